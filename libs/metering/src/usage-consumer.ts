import {
  type Bus,
  parseUsageBatch,
  type StreamMessage,
  STREAMS,
  type Subscription,
  type UsageRecordedV1,
} from '@switchboard/contracts';
import type { Logger, Metrics, Pool } from '@switchboard/platform';
import { keepRefusals, type Refusal, waitingRefusals } from './adapters/refused-usage';
import { writeUsage } from './adapters/usage-insert';
import { METERING_DURABLE } from './client';
import { type ConsumerMetrics, registerConsumerMetrics } from './consumer-metrics';
import { Outage } from './outage';
import { RetryPause } from './retry-pause';

export interface UsageConsumerOptions {
  bus: Bus;
  pool: Pool;
  log: Logger;
  metrics: Metrics;
  /** How long a batch is kept in hand while the database is away, before another consumer may try; default 10,000. */
  holdMs?: number;
}

const BATCH = { sizeMax: 100, waitMs: 50 };
const HOLD_MS = 10_000;
const BACKLOG_INTERVAL_MS = 5_000;
const REFUSED_INTERVAL_MS = 15_000;

/**
 * Stores what comes over the usage stream. A batch is acknowledged after its records are committed, so that whatever dies
 * in between is done again; the unique request id makes that harmless. While the database is away the batch in hand waits
 * here for a while, then it goes back, and nothing more is taken from those who can store it. What cannot be read, or the database refuses, is kept whole in `usage_refused`, and holds back nothing else.
 */
export class UsageConsumer {
  private readonly metrics: ConsumerMetrics;
  private readonly outage: Outage;
  private readonly pause = new RetryPause({ first: 100, most: 1_000 });
  private consuming: Subscription | undefined;
  private aside: Promise<void> | undefined;
  private backlogTimer: NodeJS.Timeout | undefined;
  private refusedTimer: NodeJS.Timeout | undefined;
  private stopping = false;

  constructor(private readonly options: UsageConsumerOptions) {
    this.metrics = registerConsumerMetrics(options.metrics);
    this.outage = new Outage(options.log, {
      lost: 'usage cannot be stored and waits in the stream for the database',
      back: 'usage is stored again',
    });
  }

  start(): void {
    if (this.consuming !== undefined || this.stopping) return;
    this.consuming = this.consume();
    this.backlogTimer = setInterval(() => void this.readBacklog(), BACKLOG_INTERVAL_MS).unref();
    void this.readBacklog();
    this.refusedTimer = setInterval(() => void this.countRefused(), REFUSED_INTERVAL_MS).unref();
    void this.countRefused();
  }

  /** Resolves when the batch in hand is stored and acknowledged, or given back where the database is away. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearInterval(this.backlogTimer);
    clearInterval(this.refusedTimer);
    this.pause.wake();
    await Promise.all([this.consuming?.stop(), this.aside]);
  }

  private consume(): Subscription {
    const { bus } = this.options;
    return bus.consume(STREAMS.usage, METERING_DURABLE, BATCH, (messages) => this.handle(messages));
  }

  private async handle(messages: StreamMessage[]): Promise<void> {
    const events: UsageRecordedV1[] = [];
    const refusals: Refusal[] = [];
    for (const { payload } of messages) {
      const reading = parseUsageBatch(payload);
      for (const event of reading.events) events.push(event);
      for (const { fault, record } of reading.faults) {
        refusals.push({ reason: fault, payload: record === undefined ? payload : Buffer.from(record, 'utf8') });
      }
    }
    this.metrics.consumed.inc(events.length);
    const givesUpAtMs = performance.now() + (this.options.holdMs ?? HOLD_MS);
    for (let failures = 0; ;) {
      try {
        await this.store(events, refusals);
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

  private async store(events: UsageRecordedV1[], unreadable: Refusal[]): Promise<void> {
    const { pool } = this.options;
    const refusals = [...unreadable];
    if (events.length > 0) {
      const timed = this.metrics.insertSeconds.startTimer();
      const { stored, corrected, refused } = await writeUsage(pool, events).finally(timed);
      this.metrics.inserted.inc(stored);
      this.metrics.corrected.inc(corrected);
      this.metrics.duplicates.inc(events.length - stored - corrected - refused.length);
      for (const { event, error } of refused) {
        refusals.push({ reason: error.message, payload: Buffer.from(JSON.stringify(event), 'utf8') });
      }
    }
    if (refusals.length === 0) return;
    for (const { id, reason } of await keepRefusals(pool, refusals)) {
      this.metrics.refused.inc();
      this.options.log.error({ id, reason }, 'usage that cannot be billed as it is was put into usage_refused');
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
    try {
      const { pending, unacknowledged } = await this.options.bus.backlog(STREAMS.usage, METERING_DURABLE);
      this.metrics.backlog.set(pending + unacknowledged);
    } catch {
      // The bus tells of its own absence; the figure is unknown meanwhile, not what it was.
      this.metrics.backlog.set(NaN);
    }
  }

  private async countRefused(): Promise<void> {
    try {
      this.metrics.refusedWaiting.set(await waitingRefusals(this.options.pool));
    } catch {
      // The outage is told by what cannot be stored.
      this.metrics.refusedWaiting.set(NaN);
    }
  }
}
