import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Bus,
  STREAMS,
  type Subscription,
  type UsageIntent,
  type UsageRecordedV1,
  type UsageSink,
} from '@switchboard/contracts';
import type { Counter, Logger, Metrics } from '@switchboard/platform';
import { BATCH_RECORDS_MAX, takeMessage, type UsageMessage } from './core/usage-batch';
import { Outage } from './outage';
import { RetryPause } from './retry-pause';
import type { UsageSpool } from './spool/usage-spool';
import { UsageIntake } from './usage-intake';

export interface UsagePublisherOptions {
  bus: Bus;
  log: Logger;
  metrics: Metrics;
  /** Records held while the bus is away, about 1 KB each; default 50,000. */
  capacity?: number;
  /** Keeps on disk what waits here and what is under way, for the next process; closed with the publisher. */
  spool?: UsageSpool | undefined;
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
 * Publishes usage records to the usage stream. `record` never waits: a message leaves 20 ms after its first record, or as
 * soon as 200 wait, and its records stay in memory until the stream has confirmed it, however long the bus is away. A
 * message is tried again as it was and under the same id, so that the stream stores it once. When the buffer is full the
 * newest records stay in the spool until it is not; without a spool they are dropped, counted and logged.
 */
export function createUsagePublisher(options: UsagePublisherOptions): UsagePublisher {
  return new StreamUsagePublisher(options);
}

const PUBLISH_INTERVAL_MS = 20;
const IN_FLIGHT_MAX = 4;

class StreamUsagePublisher implements UsagePublisher {
  private readonly bus: Bus;
  private readonly intake: UsageIntake;
  private readonly counts: PublisherCounts;
  private readonly outage: Outage;
  private readonly pause = new RetryPause({ first: 100, most: 2_000 });
  private readonly reconnections: Subscription;
  private readonly inFlight = new Set<Promise<void>>();
  private readonly onEmpty = new Set<() => void>();
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor({ bus, log, metrics, capacity, spool }: UsagePublisherOptions) {
    this.bus = bus;
    this.counts = registerCounts(metrics, () => this.buffered);
    this.intake = new UsageIntake({ log, capacity, spool, onDropped: () => this.counts.dropped.inc() });
    this.outage = new Outage(log, {
      lost: 'usage records cannot be published and wait in memory',
      back: 'usage records are published again',
    });
    this.reconnections = bus.onConnected(() => this.pause.wake());
    this.intake.replay(() => this.schedule());
  }

  get buffered(): number {
    return this.intake.buffer.size;
  }

  begin(intent: UsageIntent, begun: () => void): void {
    this.intake.begin(intent, begun);
  }

  record(event: UsageRecordedV1, kept?: () => void): void {
    if (this.intake.take(event, kept)) this.schedule();
  }

  async drain(timeoutMs: number): Promise<number> {
    const deadline = new AbortController();
    const outOfTime = delay(timeoutMs, undefined, { signal: deadline.signal }).catch(() => undefined);
    let emptied = (): void => undefined;
    const empty = new Promise<void>((resolve) => (emptied = resolve));
    this.onEmpty.add(emptied);
    this.pause.wake();
    this.publishWaiting();
    if (this.buffered > 0) await Promise.race([empty, outOfTime]);
    this.onEmpty.delete(emptied);
    deadline.abort();
    return this.intake.logUnsaved();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.intake.close();
    clearTimeout(this.timer);
    this.pause.wake();
    await Promise.all([...this.inFlight, this.reconnections.stop()]);
    await this.intake.closeSpool();
  }

  private schedule(): void {
    // Else the end of one of those under way goes on.
    if (this.inFlight.size === IN_FLIGHT_MAX) return;
    // Not at once even when a message is full: the caller is on the way to its client.
    if (this.intake.buffer.waiting === BATCH_RECORDS_MAX) setImmediate(() => this.publishWaiting());
    this.timer ??= setTimeout(() => this.publishWaiting(), PUBLISH_INTERVAL_MS);
  }

  private publishWaiting(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    while (this.intake.buffer.waiting > 0 && this.inFlight.size < IN_FLIGHT_MAX && !this.closed) {
      const publishing = this.publish(takeMessage(this.intake.buffer)).finally(() => {
        this.inFlight.delete(publishing);
        this.goOn();
      });
      this.inFlight.add(publishing);
    }
  }

  private goOn(): void {
    const { waiting, size } = this.intake.buffer;
    if (size === 0) for (const emptied of this.onEmpty) emptied();
    if (waiting === 0 || this.closed) return;
    if (waiting >= BATCH_RECORDS_MAX || this.onEmpty.size > 0) this.publishWaiting();
    else this.schedule();
  }

  private async publish({ records, payload }: UsageMessage): Promise<void> {
    const dedupeId = randomUUID();
    for (let failures = 0; !this.closed;) {
      try {
        await this.bus.append(STREAMS.usage, payload, dedupeId);
        this.intake.confirm(records);
        this.counts.published.inc(records.length);
        this.outage.succeeded();
        return;
      } catch (error) {
        failures++;
        this.counts.failures.inc();
        this.outage.failed(error, { waiting: this.buffered });
        if (!this.closed) await this.pause.after(failures);
      }
    }
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
