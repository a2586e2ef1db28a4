import type { Logger } from '@switchboard/platform';

/** Tells of an outage twice: when it begins and when it has ended, however often was tried meanwhile. */
export class Outage {
  private sinceMs: number | undefined;

  constructor(
    private readonly log: Logger,
    private readonly words: { lost: string; back: string },
  ) {}

  failed(error: unknown, facts: Record<string, unknown> = {}): void {
    if (this.sinceMs !== undefined) return;
    this.sinceMs = performance.now();
    this.log.warn({ ...facts, err: error }, this.words.lost);
  }

  succeeded(): void {
    if (this.sinceMs === undefined) return;
    const lastedMs = Math.round(performance.now() - this.sinceMs);
    this.sinceMs = undefined;
    this.log.info({ lastedMs }, this.words.back);
  }
}
