import {
  type Bus,
  STREAMS,
  type Subscription,
  type UsageIntent,
  type UsageRecordedV1,
  type UsageSink,
} from '@switchboard/contracts';
import type { Counter, Logger, Metrics, SpanSink } from '@switchboard/platform';
import { BatchSender } from './batch-sender';
import { BATCH_RECORDS_MAX, takeMessage, type UsageMessage } from './core/usage-batch';
import { Outage } from './outage';
import type { UsageSpool } from './spool/usage-spool';
import { UsageIntake } from './usage-intake';
import { UsageSpans } from './usage-spans';

export interface UsagePublisherOptions {
  bus: Bus;
  log: Logger;
  metrics: Metrics;
  /** Records held while the bus is away, about 1 KB each; default 50,000. */
  capacity?: number;
  /** Keeps on disk what waits here and what is under way, for the next process; closed with the publisher. */
  spool?: UsageSpool | undefined;
  /** Of traced calls. Absent: nothing is traced. */
  spans?: SpanSink | undefined;
}

export interface UsagePublisher extends UsageSink {
  /** Records in memory, not yet confirmed by the stream. */
  readonly buffered: number;
  /**
   * Publishes what waits. Call it when no more records come; later ones are still taken.
   *
   * @returns how many the stream had not confirmed within `timeoutMs`; each is in the log, whole.
   */
  drain(timeoutMs: number): Promise<number>;
  /** Gives up what still waits: drain first. Resolves when nothing is under way. */
  close(): Promise<void>;
}

/**
 * Publishes usage records to the usage stream. `record` never waits: a message leaves 50 ms after its first record, or as
 * soon as 200 wait, and its records stay in memory until the stream has confirmed it, however long the bus is away. A
 * message is tried again as it was and under the same id, so that the stream stores it once. When the buffer is full the
 * newest records stay in the spool until it is not; without a spool they are dropped, counted and logged.
 */
export function createUsagePublisher(options: UsagePublisherOptions): UsagePublisher {
  return new StreamUsagePublisher(options);
}

const PUBLISH_INTERVAL_MS = 50;
const IN_FLIGHT_MAX = 4;

class StreamUsagePublisher implements UsagePublisher {
  private readonly intake: UsageIntake;
  private readonly sender: BatchSender<UsageMessage & { takenMs: number }>;
  private readonly reconnections: Subscription;

  constructor({ bus, log, metrics, capacity, spool, spans }: UsagePublisherOptions) {
    const tracing = spans && new UsageSpans(spans);
    const traceOf = tracing && ((traceparent: string) => tracing.begin(traceparent));
    const counts = registerCounts(metrics, () => this.buffered);
    const outage = new Outage(log, {
      lost: 'usage records cannot be published and wait in memory',
      back: 'usage records are published again',
    });
    this.intake = new UsageIntake({ log, capacity, spool, onDropped: () => counts.dropped.inc() });
    const { buffer } = this.intake;
    this.sender = new BatchSender({
      ...{ buffer, itemsMax: BATCH_RECORDS_MAX, intervalMs: PUBLISH_INTERVAL_MS, inFlightMax: IN_FLIGHT_MAX },
      pauseMs: { first: 100, most: 2_000 },
      take: () => ({ ...takeMessage(buffer, traceOf), takenMs: performance.now() }),
      send: ({ payload, dedupeId }) => bus.append(STREAMS.usage, payload, dedupeId),
      sent: ({ records, traces, takenMs }) => {
        this.intake.confirm(records);
        tracing?.sent(traces, records.length, takenMs);
        counts.published.inc(records.length);
        outage.succeeded();
      },
      failed: (error) => {
        counts.failures.inc();
        outage.failed(error, { waiting: this.buffered });
      },
    });
    this.reconnections = bus.onConnected(() => this.sender.wake());
    this.intake.replay(() => this.sender.schedule());
  }

  get buffered(): number {
    return this.intake.buffer.size;
  }

  begin(intent: UsageIntent, begun: () => void): void {
    this.intake.begin(intent, begun);
  }

  record(event: UsageRecordedV1, kept?: () => void): void {
    if (this.intake.take(event, kept)) this.sender.schedule();
  }

  async drain(timeoutMs: number): Promise<number> {
    await this.sender.drain(timeoutMs);
    return this.intake.logUnsaved();
  }

  async close(): Promise<void> {
    this.intake.close();
    await Promise.all([this.sender.close(), this.reconnections.stop()]);
    await this.intake.closeSpool();
  }
}

interface PublisherCounts {
  published: Counter;
  dropped: Counter;
  failures: Counter;
}

/** `buffered` is asked when the metrics are read, not told at every record. */
function registerCounts(metrics: Metrics, buffered: () => number): PublisherCounts {
  metrics.gauge({
    name: 'usage_buffered_records',
    help: 'Usage records in memory, not yet stored.',
    collect() {
      this.set(buffered());
    },
  });
  return {
    published: metrics.counter({
      name: 'usage_published_total',
      help: 'Usage records the stream has confirmed.',
    }),
    dropped: metrics.counter({
      name: 'usage_dropped_total',
      help: 'Usage records lost because the buffer was full. Alert on any.',
    }),
    failures: metrics.counter({
      name: 'usage_publish_failures_total',
      help: 'Messages of usage records that were not confirmed and were tried again.',
    }),
  };
}
