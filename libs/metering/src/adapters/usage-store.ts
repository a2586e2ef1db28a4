import { setTimeout as delay } from 'node:timers/promises';
import type { UsageIntent, UsageRecordedV1, UsageSink } from '@switchboard/contracts';
import type { Logger, Pool, SpanSink } from '@switchboard/platform';
import type { HeldUsage } from '../core/usage-batch';
import { RetryPause } from '../retry-pause';
import type { UsageSpool } from '../spool/usage-spool';
import { UsageIntake } from '../usage-intake';
import { UsageSpans } from '../usage-spans';
import { keepRefusals } from './refused-usage';
import { writeUsage } from './usage-insert';
import type { UsageMetrics } from './usage-metrics';

export interface UsageStoreOptions {
  pool: Pool;
  log: Logger;
  metrics: UsageMetrics;
  /** Events held while the database is away; about 1 KB each. */
  capacity?: number;
  /** Keeps on disk what waits here and what is under way, for the next process; closed with the store. */
  spool?: UsageSpool | undefined;
  /** Of traced calls. Absent: nothing is traced. */
  spans?: SpanSink | undefined;
}

interface Waiter {
  /** How many must be done with. */
  count: number;
  end: () => void;
}

const FLUSH_INTERVAL_MS = 100;
const BATCH_SIZE = 500;

/**
 * Stores usage events in the order they came. `record` never waits: events are written within 100 ms, or as soon as 500
 * wait, and stay in memory until the database has confirmed them, however long it is away. An event that was stored
 * before (same request id) is stored once, and replaced by one that is more accurate. When the buffer is full the newest
 * events stay in the spool until it is not; without a spool they are dropped, counted and logged.
 */
export class UsageStore implements UsageSink {
  private readonly intake: UsageIntake;
  private readonly tracing: UsageSpans | undefined;
  private readonly pause = new RetryPause({ first: 100, most: 5_000 });
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private closed = false;
  /** Stored or refused by the database: the first that came, in their order. */
  private doneCount = 0;
  private readonly waiters = new Set<Waiter>();

  constructor(private readonly options: UsageStoreOptions) {
    const { log, capacity, metrics, spool, spans } = options;
    this.tracing = spans && new UsageSpans(spans);
    const onDropped = (): void => metrics.records.inc({ result: 'dropped' });
    this.intake = new UsageIntake({ log, capacity, spool, onDropped });
    this.intake.replay(() => this.schedule());
  }

  /** Events in memory, not yet stored. */
  get buffered(): number {
    return this.intake.buffer.size;
  }

  begin(intent: UsageIntent, begun: () => void): void {
    this.intake.begin(intent, begun);
  }

  record(event: UsageRecordedV1, kept?: () => void): void {
    if (this.intake.take(event, kept)) this.schedule();
  }

  /**
   * Writes what waits. Call it when no more events come; later ones are still taken.
   *
   * @returns how many events could not be written within `timeoutMs`; each is in the log, whole.
   */
  async drain(timeoutMs: number): Promise<number> {
    const deadline = new AbortController();
    const outOfTime = delay(timeoutMs, undefined, { signal: deadline.signal }).catch(() => undefined);
    this.pause.wake();
    await Promise.race([this.flushAll(), outOfTime]);
    deadline.abort();
    return this.intake.logUnsaved();
  }

  /**
   * Resolves when the database has all that was recorded before the call, by processes that died included, or after
   * `timeoutMs` for each of the two at the latest. It is written at once, unless the database is away.
   *
   * @returns how many of those events are still in memory; at least 1 while more may be in the spool.
   */
  async caughtUp(timeoutMs: number): Promise<number> {
    // After a kill the ledger lacks what the spool has.
    const replayed = await this.intake.replayed(timeoutMs);
    const count = this.doneCount + this.buffered;
    if (this.buffered > 0) await this.doneOrLate(count, timeoutMs);
    return Math.max(count - this.doneCount, replayed ? 0 : 1);
  }

  /** Gives up what still waits: drain first. Resolves when no write is under way. */
  async close(): Promise<void> {
    this.closed = true;
    this.intake.close();
    clearTimeout(this.timer);
    this.pause.wake();
    await this.flushing;
    await this.intake.closeSpool();
  }

  private async doneOrLate(count: number, timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
        resolve();
      };
      const timer = setTimeout(end, timeoutMs);
      const waiter = { count, end };
      this.waiters.add(waiter);
      void this.flush();
    });
  }

  private confirm(batch: readonly HeldUsage[]): void {
    this.intake.confirm(batch);
    this.doneCount += batch.length;
    for (const { count, end } of this.waiters) if (count <= this.doneCount) end();
  }

  private schedule(): void {
    if (this.flushing !== undefined || this.closed) return;
    // Not at once even when a batch is full: the caller is on the way to its client.
    if (this.intake.buffer.waiting === BATCH_SIZE) setImmediate(() => void this.flush());
    this.timer ??= setTimeout(() => void this.flush(), FLUSH_INTERVAL_MS);
  }

  private async flushAll(): Promise<void> {
    while (this.buffered > 0 && !this.closed) await this.flush();
  }

  private flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.flushing ??= this.writeWaiting().finally(() => {
      this.flushing = undefined;
      const { waiting } = this.intake.buffer;
      const atOnce = waiting >= BATCH_SIZE || (waiting > 0 && this.waiters.size > 0);
      if (atOnce && !this.closed) void this.flush();
      else if (waiting > 0) this.schedule();
    });
    return this.flushing;
  }

  /** Writes what waited when it began, however often that takes. What comes meanwhile makes the next, fuller batch. */
  private async writeWaiting(): Promise<void> {
    const { buffer } = this.intake;
    for (let waiting = buffer.waiting; waiting > 0 && !this.closed;) {
      const batch = buffer.take(Math.min(waiting, BATCH_SIZE));
      waiting -= batch.length;
      await this.writeUntilStored(batch);
    }
  }

  private async writeUntilStored(batch: readonly HeldUsage[]): Promise<void> {
    const { log, metrics } = this.options;
    const takenMs = performance.now();
    for (let failures = 0; !this.closed;) {
      try {
        await this.write(
          batch.map(({ record }) => record),
          takenMs,
        );
        this.confirm(batch);
        return;
      } catch (error) {
        failures++;
        metrics.failures.inc();
        log.error({ err: error, waiting: this.buffered }, 'usage records could not be stored, trying again');
        // Ends early when a drain begins: what may have come back is tried at once.
        if (!this.closed) await this.pause.after(failures);
      }
    }
  }

  private async write(batch: readonly UsageRecordedV1[], takenMs: number): Promise<void> {
    const { pool, metrics, log } = this.options;
    const timed = metrics.flushSeconds.startTimer();
    const askedMs = performance.now();
    const { stored, corrected, refused } = await writeUsage(pool, batch).finally(timed);
    this.tracing?.stored(batch, { refused, takenMs, askedMs, answeredMs: performance.now() }, false);
    metrics.records.inc({ result: 'stored' }, stored);
    metrics.records.inc({ result: 'corrected' }, corrected);
    metrics.records.inc({ result: 'duplicate' }, batch.length - stored - corrected - refused.length);
    metrics.records.inc({ result: 'refused' }, refused.length);
    if (refused.length === 0) return;
    for (const { event, error } of refused) log.error({ err: error, event }, 'the database refuses a usage record');
    const refusals = refused.map(({ event, error }) => {
      return { reason: error.message, payload: Buffer.from(JSON.stringify(event), 'utf8') };
    });
    await keepRefusals(pool, refusals);
  }
}
