import type { UsageRecordedV1 } from '@switchboard/contracts';
import type { Logger } from '@switchboard/platform';
import { UsageBuffer } from './core/usage-buffer';

const LOSS_LOG_INTERVAL_MS = 1_000;
const CAPACITY = 50_000;

/** Where usage records wait in memory, bounded: what cannot be held is told, never lost silently. */
export class UsageIntake {
  readonly buffer: UsageBuffer<UsageRecordedV1>;
  private closed = false;
  private lastLossLogMs = -Infinity;

  /** `capacity`: records held, about 1 KB each; 50,000 where not given. `onDropped` is called for each that is not. */
  constructor(private readonly options: { log: Logger; onDropped: () => void; capacity: number | undefined }) {
    this.buffer = new UsageBuffer(options.capacity ?? CAPACITY);
  }

  /** False when the record was dropped; that is counted, and logged at most once a second. */
  take(record: UsageRecordedV1): boolean {
    if (!this.closed && this.buffer.offer(record)) return true;
    this.options.onDropped();
    const now = performance.now();
    if (now - this.lastLossLogMs >= LOSS_LOG_INTERVAL_MS) {
      this.lastLossLogMs = now;
      const reason = this.closed ? 'usage is no longer taken' : 'the usage buffer is full';
      this.options.log.error({ waiting: this.buffer.size }, `${reason}: usage records are being LOST`);
    }
    return false;
  }

  /** Puts all that is held into the log, whole. @returns how many. */
  logUnsaved(): number {
    const unsaved = this.buffer.held();
    for (const event of unsaved) this.options.log.error({ event }, 'a usage record could not be stored in time');
    return unsaved.length;
  }

  close(): void {
    this.closed = true;
  }
}
