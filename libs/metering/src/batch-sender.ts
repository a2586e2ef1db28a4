import { setTimeout as delay } from 'node:timers/promises';
import { RetryPause } from './retry-pause';

export interface BatchSenderOptions<Message> {
  /** `waiting`: not taken by anybody; `size`: all that is held. */
  buffer: { readonly waiting: number; readonly size: number };
  /** Takes what makes the next message. */
  take: () => Message;
  /** Resolves when the message is safe; it is tried again as it was until it does. */
  send: (message: Message) => Promise<void>;
  /** Forgets what it holds. */
  sent: (message: Message) => void;
  failed: (error: unknown) => void;
  /** As many as wait make a message that leaves at once. */
  itemsMax: number;
  /** How long the first of fewer waits. */
  intervalMs: number;
  /** Messages under way at once. */
  inFlightMax: number;
  pauseMs: { first: number; most: number };
}

/** Sends what waits in a buffer, in messages, each until it is safe. Nothing is sent within the call that brought it. */
export class BatchSender<Message> {
  private readonly pause: RetryPause;
  private readonly inFlight = new Set<Promise<void>>();
  private readonly onEmpty = new Set<() => void>();
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(private readonly options: BatchSenderOptions<Message>) {
    this.pause = new RetryPause(options.pauseMs);
  }

  /** One more waits. */
  schedule(): void {
    const { buffer, itemsMax, intervalMs, inFlightMax } = this.options;
    // Else the end of one of those under way goes on.
    if (this.inFlight.size === inFlightMax) return;
    // Not at once even when a message is full: the caller is on the way to its client.
    if (buffer.waiting === itemsMax) setImmediate(() => this.sendWaiting());
    this.timer ??= setTimeout(() => this.sendWaiting(), intervalMs);
  }

  /** What failed may work now: it is tried at once. */
  wake(): void {
    this.pause.wake();
  }

  /** Resolves when nothing is held, or after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    const deadline = new AbortController();
    const outOfTime = delay(timeoutMs, undefined, { signal: deadline.signal }).catch(() => undefined);
    let emptied = (): void => undefined;
    const empty = new Promise<void>((resolve) => (emptied = resolve));
    this.onEmpty.add(emptied);
    this.pause.wake();
    this.sendWaiting();
    if (this.options.buffer.size > 0) await Promise.race([empty, outOfTime]);
    this.onEmpty.delete(emptied);
    deadline.abort();
  }

  /** Gives up what still waits. Resolves when nothing is under way. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    this.pause.wake();
    await Promise.all(this.inFlight);
  }

  private sendWaiting(): void {
    const { buffer, take, inFlightMax } = this.options;
    clearTimeout(this.timer);
    this.timer = undefined;
    while (buffer.waiting > 0 && this.inFlight.size < inFlightMax && !this.closed) {
      const sending = this.sendUntilSafe(take()).finally(() => {
        this.inFlight.delete(sending);
        this.goOn();
      });
      this.inFlight.add(sending);
    }
  }

  private goOn(): void {
    const { waiting, size } = this.options.buffer;
    if (size === 0) for (const emptied of this.onEmpty) emptied();
    if (waiting === 0 || this.closed) return;
    if (waiting >= this.options.itemsMax || this.onEmpty.size > 0) this.sendWaiting();
    else this.schedule();
  }

  private async sendUntilSafe(message: Message): Promise<void> {
    const { send, sent, failed } = this.options;
    for (let failures = 0; !this.closed;) {
      try {
        await send(message);
        return sent(message);
      } catch (error) {
        failures++;
        failed(error);
        if (!this.closed) await this.pause.after(failures);
      }
    }
  }
}
