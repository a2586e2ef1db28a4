import { setTimeout as delay } from 'node:timers/promises';
import type { UsageIntent, UsageRecordedV1 } from '@switchboard/contracts';
import type { Logger } from '@switchboard/platform';
import { encodeRecord, type HeldUsage } from './core/usage-batch';
import { UsageBuffer } from './core/usage-buffer';
import type { UsageSpool } from './spool/usage-spool';

const LOSS_LOG_INTERVAL_MS = 1_000;
const CAPACITY = 50_000;
/** Of the capacity: what dead processes left must not crowd out what comes in. */
const REPLAYED_SHARE = 1 / 2;

export interface UsageIntakeOptions {
  log: Logger;
  /** Called for each record that is lost. */
  onDropped: () => void;
  /** Records held, about 1 KB each; 50,000 where not given. */
  capacity: number | undefined;
  /** Absent: what is in memory dies with the process. */
  spool: UsageSpool | undefined;
}

/**
 * Where usage records wait in memory, bounded, each with a copy in the spool where there is one: what cannot be held is
 * told, never lost silently.
 */
export class UsageIntake {
  readonly buffer: UsageBuffer<HeldUsage>;
  private readonly capacity: number;
  private closed = false;
  private lastLossLogMs = -Infinity;

  constructor(private readonly options: UsageIntakeOptions) {
    this.capacity = options.capacity ?? CAPACITY;
    this.buffer = new UsageBuffer(this.capacity);
  }

  /** `begun`: as of the port. */
  begin(intent: UsageIntent, begun: () => void): void {
    const { spool } = this.options;
    if (spool === undefined) begun();
    else spool.intent(intent, begun);
  }

  /**
   * False when the record is not in memory: it is in the spool, and comes again when there is room, or else it was dropped;
   * that is counted, and logged at most once a second. `kept`: as of the port.
   */
  take(record: UsageRecordedV1, kept?: () => void): boolean {
    const { spool } = this.options;
    const json = spool && encodeRecord(record);
    const spooled = json !== undefined && spool?.usage(record, kept, json) === true;
    if (spool === undefined) kept?.();
    if (!this.closed && this.buffer.offer({ record, json })) return true;
    if (spooled) spool?.leave(record);
    else this.drop();
    return false;
  }

  /** Has the spool tell what it kept; `taken` is called for each record that came in so. */
  replay(taken: () => void): void {
    this.options.spool?.replayTo((record) => {
      const hasRoom = !this.closed && this.buffer.size < this.capacity * REPLAYED_SHARE;
      if (!hasRoom || !this.buffer.offer({ record, json: undefined })) return false;
      taken();
      return true;
    });
  }

  /** Whether what dead processes left has come in, `timeoutMs` from now at the latest. */
  async replayed(timeoutMs: number): Promise<boolean> {
    const deadline = new AbortController();
    const outOfTime = delay(timeoutMs, false, { signal: deadline.signal }).catch(() => false);
    const all = this.options.spool?.replayed.then(() => true) ?? Promise.resolve(true);
    return Promise.race([all, outOfTime]).finally(() => deadline.abort());
  }

  /** Forgets what was taken of the buffer: it is stored. */
  confirm(batch: readonly HeldUsage[]): void {
    this.buffer.confirm(batch);
    this.options.spool?.stored(batch.map(({ record }) => record));
  }

  private drop(): void {
    this.options.onDropped();
    const now = performance.now();
    if (now - this.lastLossLogMs >= LOSS_LOG_INTERVAL_MS) {
      this.lastLossLogMs = now;
      const reason = this.closed ? 'usage is no longer taken' : 'the usage buffer is full';
      this.options.log.error({ waiting: this.buffer.size }, `${reason}: usage records are being LOST`);
    }
  }

  /** Puts all that is held into the log, whole. @returns how many. */
  logUnsaved(): number {
    const unsaved = this.buffer.held();
    for (const { record } of unsaved)
      this.options.log.error({ event: record }, 'a usage record could not be stored in time');
    return unsaved.length;
  }

  /** Takes no more. What is not confirmed by the time that the spool is closed stays in it. */
  close(): void {
    this.closed = true;
  }

  async closeSpool(): Promise<void> {
    await this.options.spool?.close();
  }
}
