import type { Logger } from '@switchboard/platform';

/** Says once that something is away, and once that it is back. */
export class Outage {
  private lasts = false;

  constructor(
    private readonly log: Logger,
    private readonly words: { began: string; ended: string },
  ) {}

  began(error?: unknown): void {
    if (this.lasts) return;
    this.lasts = true;
    this.log.warn(error === undefined ? {} : { err: error }, this.words.began);
  }

  ended(): void {
    if (!this.lasts) return;
    this.lasts = false;
    this.log.info(this.words.ended);
  }
}
