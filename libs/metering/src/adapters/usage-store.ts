import { setTimeout as delay } from 'node:timers/promises';
import type { UsageRecordedV1, UsageSink } from '@switchboard/contracts';
import type { Logger, Pool } from '@switchboard/platform';
import { UsageBuffer } from '../core/usage-buffer';
import { insertUsage, RefusedError } from './usage-insert';
import type { UsageMetrics } from './usage-metrics';

export interface UsageStoreOptions {
  pool: Pool;
  log: Logger;
  metrics: UsageMetrics;
  /** Events held while the database is away; about 1 KB each. */
  capacity?: number;
}

const FLUSH_INTERVAL_MS = 100;
const BATCH_SIZE = 500;
const RETRY_MS = { first: 100, most: 5_000 };
const LOSS_LOG_INTERVAL_MS = 1_000;

/**
 * Stores usage events in the order they came. `record` never waits: events are written within 100 ms, or as soon as 500
 * wait, and stay in memory until the database has confirmed them, however long it is away. An event that was stored
 * before (same request id) is stored once. When the buffer is full the newest events are dropped, counted and logged.
 */
export class UsageStore implements UsageSink {
  private readonly buffer: UsageBuffer<UsageRecordedV1>;
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private retryPause = new AbortController();
  private closed = false;
  private lastLossLogMs = -Infinity;

  constructor(private readonly options: UsageStoreOptions) {
    this.buffer = new UsageBuffer(options.capacity ?? 50_000);
  }

  /** Events in memory, not yet stored. */
  get buffered(): number {
    return this.buffer.size;
  }

  record(event: UsageRecordedV1): void {
    if (this.closed || !this.buffer.offer(event)) return this.lost();
    this.schedule();
  }

  /**
   * Writes what waits. Call it when no more events come; later ones are still taken.
   *
   * @returns how many events could not be written within `timeoutMs`; each is in the log, whole.
   */
  async drain(timeoutMs: number): Promise<number> {
    const deadline = new AbortController();
    const outOfTime = delay(timeoutMs, undefined, { signal: deadline.signal }).catch(() => undefined);
    this.retryPause.abort();
    await Promise.race([this.flushAll(), outOfTime]);
    deadline.abort();
    const unsaved = this.buffer.peek(this.buffer.size);
    for (const event of unsaved) this.options.log.error({ event }, 'a usage record could not be stored in time');
    return unsaved.length;
  }

  /** Gives up what still waits: drain first. Resolves when no write is under way. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    this.retryPause.abort();
    await this.flushing;
  }

  private schedule(): void {
    if (this.flushing !== undefined || this.closed) return;
    // Not at once even when a batch is full: the caller is on the way to its client.
    if (this.buffer.size === BATCH_SIZE) setImmediate(() => void this.flush());
    this.timer ??= setTimeout(() => void this.flush(), FLUSH_INTERVAL_MS);
  }

  private async flushAll(): Promise<void> {
    while (this.buffer.size > 0 && !this.closed) await this.flush();
  }

  private flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.flushing ??= this.writeWaiting().finally(() => {
      this.flushing = undefined;
      if (this.buffer.size >= BATCH_SIZE && !this.closed) void this.flush();
      else if (this.buffer.size > 0) this.schedule();
    });
    return this.flushing;
  }

  /** Writes what waited when it began, however often that takes. What comes meanwhile makes the next, fuller batch. */
  private async writeWaiting(): Promise<void> {
    let pauseMs = RETRY_MS.first;
    for (let waiting = this.buffer.size; waiting > 0 && !this.closed;) {
      const batch = this.buffer.peek(Math.min(waiting, BATCH_SIZE));
      try {
        await this.write(batch);
        this.buffer.confirm(batch.length);
        waiting -= batch.length;
        pauseMs = RETRY_MS.first;
      } catch (error) {
        this.options.metrics.failures.inc();
        this.options.log.error(
          { err: error, waiting: this.buffer.size },
          'usage records could not be stored, trying again',
        );
        await this.pause(pauseMs);
        pauseMs = Math.min(pauseMs * 2, RETRY_MS.most);
      }
    }
  }

  /** Ends early when a drain begins: what may have come back is tried at once. */
  private async pause(ms: number): Promise<void> {
    if (this.closed) return;
    this.retryPause = new AbortController();
    await delay(ms, undefined, { signal: this.retryPause.signal }).catch(() => undefined);
  }

  private async write(batch: readonly UsageRecordedV1[]): Promise<void> {
    const { pool, metrics } = this.options;
    const timed = metrics.flushSeconds.startTimer();
    try {
      const stored = await insertUsage(pool, batch);
      metrics.records.inc({ result: 'stored' }, stored);
      metrics.records.inc({ result: 'duplicate' }, batch.length - stored);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      await this.writeHalves(batch, error);
    } finally {
      timed();
    }
  }

  /** One event the database refuses must not hold back the rest: it ends up alone, and in the log with all it says. */
  private async writeHalves(batch: readonly UsageRecordedV1[], error: RefusedError): Promise<void> {
    if (batch.length === 1) {
      this.options.metrics.records.inc({ result: 'refused' });
      this.options.log.error({ err: error, event: batch[0] }, 'the database refuses a usage record');
      return;
    }
    const middle = Math.ceil(batch.length / 2);
    await this.write(batch.slice(0, middle));
    await this.write(batch.slice(middle));
  }

  private lost(): void {
    this.options.metrics.records.inc({ result: 'dropped' });
    const now = performance.now();
    if (now - this.lastLossLogMs < LOSS_LOG_INTERVAL_MS) return;
    this.lastLossLogMs = now;
    const reason = this.closed ? 'the usage store is closed' : 'the usage buffer is full';
    this.options.log.error({ waiting: this.buffer.size }, `${reason}: usage records are being LOST`);
  }
}
