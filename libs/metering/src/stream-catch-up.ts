import { setTimeout as delay } from 'node:timers/promises';
import type { Backlog } from '@switchboard/contracts';

const POLL_MS = 25;

interface Waiter {
  /** The last message there was when it asked; absent: no reading has begun since. */
  sequence?: number;
  givesUpAtMs: number;
  resolve: () => void;
  reject: (error: unknown) => void;
}

export interface StreamCatchUpOptions {
  /** Of the stream, as metering reads it. */
  backlog: () => Promise<Backlog>;
  /** What is thrown where it takes too long. */
  behind: (messages: number) => Error;
}

/** Waits for a stream to be stored. All who wait share one poll: after a restart of the limiter they are many. */
export class StreamCatchUp {
  private readonly waiters = new Set<Waiter>();
  private polling = false;

  constructor(private readonly options: StreamCatchUpOptions) {}

  /**
   * Resolves when everything is stored that the stream held at the call.
   *
   * @throws the error of `behind` when that takes longer than `mostMs`; BusUnavailableError.
   */
  async reached(mostMs: number): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.waiters.add({ givesUpAtMs: performance.now() + mostMs, resolve, reject });
      if (!this.polling) void this.poll();
    });
  }

  private async poll(): Promise<void> {
    this.polling = true;
    while (this.waiters.size > 0) {
      // Those who come while it is read wait for the next reading: this one may not know their messages.
      const asked = [...this.waiters];
      try {
        const backlog = await this.options.backlog();
        for (const waiter of asked) this.judge(waiter, backlog);
      } catch (error) {
        for (const waiter of asked) this.end(waiter, error);
      }
      if (this.waiters.size > 0) await delay(POLL_MS);
    }
    this.polling = false;
  }

  private judge(waiter: Waiter, { lastSequence, acknowledgedSequence }: Backlog): void {
    const sequence = (waiter.sequence ??= lastSequence);
    if (acknowledgedSequence >= sequence) return this.end(waiter);
    if (performance.now() < waiter.givesUpAtMs) return;
    this.end(waiter, this.options.behind(sequence - acknowledgedSequence));
  }

  private end(waiter: Waiter, error?: unknown): void {
    this.waiters.delete(waiter);
    if (error === undefined) waiter.resolve();
    else waiter.reject(error);
  }
}
