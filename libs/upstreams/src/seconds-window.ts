/** Counts of the last so many seconds. Time is any clock in milliseconds that never goes back. */
export class SecondsWindow {
  private readonly counts: number[];
  private second = 0;
  private sum = 0;

  constructor(seconds: number) {
    this.counts = new Array<number>(seconds).fill(0);
  }

  add(nowMs: number, count = 1): void {
    const slot = this.slotAt(nowMs);
    this.counts[slot] = (this.counts[slot] ?? 0) + count;
    this.sum += count;
  }

  total(nowMs: number): number {
    this.slotAt(nowMs);
    return this.sum;
  }

  clear(): void {
    this.counts.fill(0);
    this.sum = 0;
  }

  private slotAt(nowMs: number): number {
    const { length } = this.counts;
    const second = Math.floor(nowMs / 1000);
    const passed = Math.min(second - this.second, length);
    for (let step = 1; step <= passed; step++) {
      const slot = (second - passed + step) % length;
      this.sum -= this.counts[slot] ?? 0;
      this.counts[slot] = 0;
    }
    if (passed > 0) this.second = second;
    return this.second % length;
  }
}
