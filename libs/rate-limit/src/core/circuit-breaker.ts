import { setImmediate as untilIoWasRead } from 'node:timers/promises';
import { UntriedError } from './untried-error';

/** As many calls in a row without an answer open it. */
const UNANSWERED_MAX = 3;
/** For so long nobody tries; then one does. */
const OPEN_MS = 250;

export interface CircuitBreakerOptions {
  /** What one call may take. */
  timeoutMs: number;
  /** A steady clock, milliseconds. */
  now?: () => number;
}

/** It took too long. */
export class CircuitError extends Error {
  override readonly name = 'CircuitError';
}

/**
 * Bounds each call, and after some without an answer lets all others fail at once, until one that is let through has one.
 *
 * A failure is an answer: it costs nobody time. (Without a connection all fail at once, and once there is one again
 * whatever lives on it must not be refused for what was before.)
 */
export class CircuitBreaker {
  private unanswered = 0;
  private openUntilMs = -Infinity;
  private readonly now: () => number;

  constructor(private readonly options: CircuitBreakerOptions) {
    this.now = options.now ?? (() => performance.now());
  }

  get isOpen(): boolean {
    return this.unanswered >= UNANSWERED_MAX && this.now() < this.openUntilMs;
  }

  /** @throws CircuitError; UntriedError; what the call throws. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.isOpen) throw new UntriedError('not tried: the last calls had no answer');
    // The others wait for the outcome of this one.
    if (this.unanswered >= UNANSWERED_MAX) this.openUntilMs = this.now() + OPEN_MS;
    try {
      return await this.bounded(call());
    } catch (error) {
      if (error instanceof CircuitError) this.hadNoAnswer();
      else this.unanswered = 0;
      throw error;
    }
  }

  private hadNoAnswer(): void {
    this.unanswered++;
    if (this.unanswered >= UNANSWERED_MAX) this.openUntilMs = this.now() + OPEN_MS;
  }

  private bounded<T>(call: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        // Where it was this process that stood still, the answer may have come and only be unread.
        void untilIoWasRead()
          .then(() => untilIoWasRead())
          .then(() => reject(new CircuitError(`no answer within ${this.options.timeoutMs} ms`)));
      }, this.options.timeoutMs);
      const answered = (result: T): void => {
        // Also where it is too late for its caller: what had stalled goes on, and refusing others would prolong it.
        this.unanswered = 0;
        resolve(result);
      };
      call.then(answered, reject).finally(() => clearTimeout(timer));
    });
  }
}
