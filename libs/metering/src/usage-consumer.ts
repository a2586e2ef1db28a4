import { type Bus, parseUsageBatch, type StreamMessage, STREAMS, type UsageRecordedV1 } from '@switchboard/contracts';
import type { Logger, Metrics, Pool, SpanSink } from '@switchboard/platform';
import { keepRefusals, type Refusal, waitingRefusals } from './adapters/refused-usage';
import { writeUsage } from './adapters/usage-insert';
import { METERING_DURABLE } from './client';
import { type ConsumerMetrics, registerConsumerMetrics } from './consumer-metrics';
import { StreamConsumer } from './stream-consumer';
import { UsageSpans } from './usage-spans';

export interface UsageConsumerOptions {
  bus: Bus;
  pool: Pool;
  log: Logger;
  metrics: Metrics;
  /** How long a batch is kept in hand while the database is away, before another consumer may try; default 10,000. */
  holdMs?: number;
  /** Of traced calls. Absent: nothing is traced. */
  spans?: SpanSink | undefined;
}

const BATCH = { sizeMax: 100, waitMs: 50 };
const REFUSED_INTERVAL_MS = 15_000;

/**
 * Stores what comes over the usage stream. A batch is acknowledged after its records are committed, so that whatever dies
 * in between is done again; the unique request id makes that harmless. What cannot be read, or the database refuses, is
 * kept whole in `usage_refused`, and holds back nothing else.
 */
export class UsageConsumer {
  private readonly metrics: ConsumerMetrics;
  private readonly consumer: StreamConsumer;
  private readonly tracing: UsageSpans | undefined;
  private refusedTimer: NodeJS.Timeout | undefined;

  constructor(private readonly options: UsageConsumerOptions) {
    this.metrics = registerConsumerMetrics(options.metrics);
    this.tracing = options.spans && new UsageSpans(options.spans);
    this.consumer = new StreamConsumer({
      ...options,
      ...{ stream: STREAMS.usage, durable: METERING_DURABLE, batch: BATCH },
      outage: {
        lost: 'usage cannot be stored and waits in the stream for the database',
        back: 'usage is stored again',
      },
      read: (messages) => this.read(messages),
      onBacklog: (messages) => this.metrics.backlog.set(messages),
      onLag: (seconds) => this.metrics.lag.set(seconds),
    });
  }

  start(): void {
    if (!this.consumer.start()) return;
    this.refusedTimer = setInterval(() => void this.countRefused(), REFUSED_INTERVAL_MS).unref();
    void this.countRefused();
  }

  /** Resolves when the batch in hand is stored and acknowledged, or given back where the database is away. */
  async stop(): Promise<void> {
    clearInterval(this.refusedTimer);
    await this.consumer.stop();
  }

  private read(messages: readonly StreamMessage[]): () => Promise<void> {
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
    const takenMs = performance.now();
    return () => this.store(events, refusals, takenMs);
  }

  private async store(events: UsageRecordedV1[], unreadable: Refusal[], takenMs: number): Promise<void> {
    const { pool } = this.options;
    const refusals = [...unreadable];
    if (events.length > 0) {
      const timed = this.metrics.insertSeconds.startTimer();
      const askedMs = performance.now();
      const { stored, corrected, refused } = await writeUsage(pool, events).finally(timed);
      this.tracing?.stored(events, { refused, takenMs, askedMs, answeredMs: performance.now() }, true);
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

  private async countRefused(): Promise<void> {
    try {
      this.metrics.refusedWaiting.set(await waitingRefusals(this.options.pool));
    } catch {
      // The outage is told by what cannot be stored.
      this.metrics.refusedWaiting.set(NaN);
    }
  }
}
