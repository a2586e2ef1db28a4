interface Event {
  atMs: number;
  order: number;
  run: (nowMs: number) => void;
}

/** Virtual time: what is due is run in the order of its time, and of the same time in the order it was put down. */
export class Timeline {
  private readonly heap: Event[] = [];
  private count = 0;

  at(atMs: number, run: (nowMs: number) => void): void {
    const event = { atMs, order: this.count++, run };
    let place = this.heap.push(event) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = this.heap[parent];
      if (above === undefined || isBefore(above, event)) break;
      this.heap[place] = above;
      place = parent;
    }
    this.heap[place] = event;
  }

  /** Until nothing is due any more. */
  run(): void {
    for (let event = this.take(); event !== undefined; event = this.take()) event.run(event.atMs);
  }

  private take(): Event | undefined {
    const first = this.heap[0];
    const last = this.heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      let below = this.heap[child];
      const right = this.heap[child + 1];
      if (below !== undefined && right !== undefined && isBefore(right, below)) [child, below] = [child + 1, right];
      if (below === undefined || isBefore(last, below)) break;
      this.heap[place] = below;
      place = child;
    }
    this.heap[place] = last;
    return first;
  }
}

function isBefore(left: Event, right: Event): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}
