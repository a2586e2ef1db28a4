import { setTimeout as delay } from 'node:timers/promises';

/** The pauses between attempts: doubling from `first` to `most`, and cut short when there is reason to hope. */
export class RetryPause {
  private waking = new AbortController();

  constructor(private readonly ms: { first: number; most: number }) {}

  /** `failures`: how often it failed in a row, from 1. */
  async after(failures: number): Promise<void> {
    const pauseMs = Math.min(this.ms.first * 2 ** Math.min(failures - 1, 20), this.ms.most);
    await delay(pauseMs, undefined, { signal: this.waking.signal }).catch(() => undefined);
  }

  /** Ends the pauses under way. */
  wake(): void {
    this.waking.abort();
    this.waking = new AbortController();
  }
}
