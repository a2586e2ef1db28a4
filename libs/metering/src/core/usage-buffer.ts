/**
 * A bounded queue of what waits to be stored: first in, first out. A batch stays in the queue until it is confirmed, so
 * that a failure loses nothing and changes no order.
 */
export class UsageBuffer<T> {
  private items: T[] = [];

  constructor(private readonly capacity: number) {}

  get size(): number {
    return this.items.length;
  }

  /** False when the buffer is full: the item was not taken. */
  offer(item: T): boolean {
    if (this.items.length >= this.capacity) return false;
    this.items.push(item);
    return true;
  }

  /** The oldest, at most `limit`; they stay. */
  peek(limit: number): readonly T[] {
    return this.items.slice(0, limit);
  }

  /** Forgets the oldest `count`. */
  confirm(count: number): void {
    this.items = this.items.slice(count);
  }
}
