import type { Bus, StreamDefinition, StreamMessage, Subscription } from '@switchboard/contracts';
import type { Logger, Pool } from '@switchboard/platform';
import { Outage } from './outage';
import { RetryPause } from './retry-pause';

export interface StreamConsumerOptions {
  bus: Bus;
  stream: StreamDefinition;
  /** The name under which all of metering shares the stream. */
  durable: string;
  batch: { sizeMax: number; waitMs: number };
  pool: Pool;
  log: Logger;
  /** How long a batch is kept in hand while the database is away, before another consumer may try; default 10,000. */
  holdMs?: number | undefined;
  outage: { lost: string; back: string };
  /** Reads messages, once; what it returns stores them, and is tried again while the database is away. */
  read: (messages: readonly StreamMessage[]) => () => Promise<void>;
  /** Messages not yet stored; NaN: not known. */
  onBacklog: (messages: number) => void;
  /** How long the oldest of them has been waiting, in seconds; NaN: not known. Absent: nobody asks. */
  onLag?: (seconds: number) => void;
}

const HOLD_MS = 10_000;
const BACKLOG_INTERVAL_MS = 5_000;

/**
 * Stores what comes over a stream. A batch is acknowledged after it is stored. While the database is away the batch in hand
 * waits here for a while, then it goes back, and nothing more is taken from those who can store it.
 */
export class StreamConsumer {
  private readonly outage: Outage;
  private readonly pause = new RetryPause({ first: 100, most: 1_000 });
  private consuming: Subscription | undefined;
  private aside: Promise<void> | undefined;
  private backlogTimer: NodeJS.Timeout | undefined;
  private stopping = false;

  constructor(private readonly options: StreamConsumerOptions) {
    this.outage = new Outage(options.log, options.outage);
  }

  /** False: it was started, or stopped, before. */
  start(): boolean {
    if (this.consuming !== undefined || this.stopping) return false;
    this.consuming = this.consume();
    this.backlogTimer = setInterval(() => void this.readBacklog(), BACKLOG_INTERVAL_MS).unref();
    void this.readBacklog();
    return true;
  }

  /** Resolves when the batch in hand is stored and acknowledged, or given back where the database is away. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearInterval(this.backlogTimer);
    this.pause.wake();
    await Promise.all([this.consuming?.stop(), this.aside]);
  }

  private consume(): Subscription {
    const { bus, stream, durable, batch } = this.options;
    return bus.consume(stream, durable, batch, (messages) => this.handle(messages));
  }

  private async handle(messages: StreamMessage[]): Promise<void> {
    const store = this.options.read(messages);
    const givesUpAtMs = performance.now() + (this.options.holdMs ?? HOLD_MS);
    for (let failures = 0; ;) {
      try {
        await store();
        this.outage.succeeded();
        return;
      } catch (error) {
        failures++;
        this.outage.failed(error, { messages: messages.length });
        if (this.stopping) throw error;
        if (performance.now() >= givesUpAtMs) {
          this.aside ??= this.stepAside().finally(() => (this.aside = undefined));
          throw error;
        }
        await this.pause.after(failures);
      }
    }
  }

  /** Takes nothing more until the database answers. */
  private async stepAside(): Promise<void> {
    await this.consuming?.stop();
    for (let failures = 1; !this.stopping; failures++) {
      await this.pause.after(failures);
      if (await this.answers()) break;
    }
    if (!this.stopping) this.consuming = this.consume();
  }

  private async answers(): Promise<boolean> {
    try {
      await this.options.pool.query('SELECT 1');
      return true;
    } catch {
      // The outage was told when it began.
      return false;
    }
  }

  private async readBacklog(): Promise<void> {
    const { bus, stream, durable, onBacklog, onLag } = this.options;
    try {
      const { pending, unacknowledged } = await bus.backlog(stream, durable);
      onBacklog(pending + unacknowledged);
      const sinceMs = onLag && (await bus.waitingSince(stream, durable));
      onLag?.(sinceMs === undefined ? 0 : Math.max(0, Date.now() - sinceMs) / 1000);
    } catch {
      // The bus tells of its own absence; the figures are unknown meanwhile, not what they were.
      onBacklog(NaN);
      onLag?.(NaN);
    }
  }
}
