/**
 * A bounded queue of what waits to be stored: first in, first out. What was taken still counts, and is still held, until
 * it is confirmed, so that a failure loses nothing.
 */
export class UsageBuffer<T> {
  private waitingItems: T[] = [];
  private readonly taken = new Set<readonly T[]>();
  private takenCount = 0;

  constructor(private readonly capacity: number) {}

  /** All that is held. */
  get size(): number {
    return this.waitingItems.length + this.takenCount;
  }

  /** What nobody has taken yet. */
  get waiting(): number {
    return this.waitingItems.length;
  }

  /** False when the buffer is full: the item was not taken in. */
  offer(item: T): boolean {
    if (this.size >= this.capacity) return false;
    this.waitingItems.push(item);
    return true;
  }

  /** The oldest, at most `limit`, and after the first only as far as they fit. The caller confirms this very batch. */
  take(limit: number, fits: (item: T) => boolean = () => true): readonly T[] {
    const end = Math.min(limit, this.waitingItems.length);
    let count = 0;
    for (let index = 0; index < end; index++) {
      // The first is asked too: `fits` may count.
      const fitting = fits(this.waitingItems[index] as T);
      if (!fitting && index > 0) break;
      count++;
    }
    const batch = this.waitingItems.slice(0, count);
    this.waitingItems = this.waitingItems.slice(count);
    this.taken.add(batch);
    this.takenCount += batch.length;
    return batch;
  }

  /** Forgets what was taken. */
  confirm(batch: readonly T[]): void {
    if (this.taken.delete(batch)) this.takenCount -= batch.length;
  }

  /** What was taken and not confirmed, then what waits. */
  held(): T[] {
    return [...this.taken, this.waitingItems].flat();
  }
}
