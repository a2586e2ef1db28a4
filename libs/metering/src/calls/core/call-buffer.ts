import type { CallLoggedV1 } from '@switchboard/contracts';
import { UsageBuffer } from '../../core/usage-buffer';

/** A record without its prompt, about. */
const RECORD_BYTES = 1024;

/** What waits to be stored, bounded in calls and in bytes. */
export class CallBuffer {
  private readonly calls: UsageBuffer<CallLoggedV1>;
  private bytes = 0;

  constructor(
    callsMax: number,
    private readonly bytesMax: number,
  ) {
    this.calls = new UsageBuffer(callsMax);
  }

  get size(): number {
    return this.calls.size;
  }

  get waiting(): number {
    return this.calls.waiting;
  }

  /** False when it is full: the call was not taken in. */
  offer(call: CallLoggedV1): boolean {
    const bytes = bytesOf(call);
    if (this.bytes + bytes > this.bytesMax || !this.calls.offer(call)) return false;
    this.bytes += bytes;
    return true;
  }

  take(limit: number, fits?: (call: CallLoggedV1) => boolean): readonly CallLoggedV1[] {
    return this.calls.take(limit, fits);
  }

  /** Forgets what was taken. */
  confirm(batch: readonly CallLoggedV1[]): void {
    this.calls.confirm(batch);
    for (const call of batch) this.bytes -= bytesOf(call);
  }
}

/** In memory: two bytes a character, as soon as one of them is not Latin. */
function bytesOf({ prompt }: CallLoggedV1): number {
  return RECORD_BYTES + 2 * (prompt?.length ?? 0);
}
