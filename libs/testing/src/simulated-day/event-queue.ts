interface Event {
  atMs: number;
  /** Of those due at the same time, the one that was put in first comes first. */
  order: number;
  run: () => void;
}

/** Virtual time: what is due runs in its order, and the clock jumps from one to the next. */
export class EventQueue {
  nowMs = 0;
  private readonly heap: Event[] = [];
  private added = 0;

  /** @throws RangeError where that is in the past. */
  at(atMs: number, run: () => void): void {
    if (!(atMs >= this.nowMs)) throw new RangeError(`${atMs} ms is before ${this.nowMs} ms`);
    const { heap } = this;
    let index = heap.push({ atMs, order: this.added++, run }) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.isBefore(index, parent)) break;
      this.swap(index, parent);
      index = parent;
    }
  }

  /** Until nothing is due any more. */
  runAll(): void {
    for (let next = this.take(); next !== undefined; next = this.take()) {
      this.nowMs = next.atMs;
      next.run();
    }
  }

  private take(): Event | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || first === last) return first;
    heap[0] = last;
    for (let index = 0; ;) {
      const left = 2 * index + 1;
      const child = left + 1 < heap.length && this.isBefore(left + 1, left) ? left + 1 : left;
      if (child >= heap.length || !this.isBefore(child, index)) return first;
      this.swap(child, index);
      index = child;
    }
  }

  private isBefore(index: number, other: number): boolean {
    const [one, two] = [this.heap[index], this.heap[other]];
    if (one === undefined || two === undefined) return false;
    return one.atMs < two.atMs || (one.atMs === two.atMs && one.order < two.order);
  }

  private swap(index: number, other: number): void {
    const { heap } = this;
    [heap[index], heap[other]] = [heap[other] as Event, heap[index] as Event];
  }
}
