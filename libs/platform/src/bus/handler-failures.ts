import type { Logger } from '../logging/logger';

const SAY_AGAIN_AFTER_MS = 10_000;

/** Says that a handler fails, once; while it goes on, every ten seconds with how often: a store that is away fails each call. */
export class HandlerFailures {
  private lastSaidMs = -Infinity;
  private unsaid = 0;

  constructor(
    private readonly log: Logger,
    private readonly subject: string,
    private readonly now: () => number = () => performance.now(),
  ) {}

  report(error: unknown): void {
    if (this.now() - this.lastSaidMs < SAY_AGAIN_AFTER_MS) {
      this.unsaid++;
      return;
    }
    const more = this.unsaid === 0 ? {} : { unsaid: this.unsaid };
    this.log.warn({ err: error, subject: this.subject, ...more }, 'a request handler failed');
    this.lastSaidMs = this.now();
    this.unsaid = 0;
  }
}
