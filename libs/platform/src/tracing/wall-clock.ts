export interface Clocks {
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds since the epoch, whole ones. */
  wallNow(): number;
}

/**
 * Turns monotonic times into times of the day, to the microsecond. The machine's clock tells whole milliseconds, and is put
 * right now and then, which a process that runs for months would not notice: what is added is held to what the clock says.
 */
export class WallClock {
  constructor(
    private readonly clocks: Clocks,
    /** Time of the day at the monotonic zero, as it was known at the start. */
    private offsetMs: number,
  ) {}

  /** Milliseconds since the epoch. Asked at about that time: by then the clocks may have gone apart. */
  at(monotonicMs: number): number {
    const least = this.clocks.wallNow() - this.clocks.now();
    this.offsetMs = Math.min(Math.max(this.offsetMs, least), least + 1);
    return this.offsetMs + monotonicMs;
  }
}
