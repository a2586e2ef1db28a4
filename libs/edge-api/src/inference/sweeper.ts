/** Something with deadlines. `sweep` is called a few times a second while it is added. */
export interface Sweepable {
  sweep(nowMs: number): void;
  /** The process ends and can wait no longer. */
  shutDown(): void;
}

/**
 * One timer for every deadline of every request. A timer per request and phase (first token, idle, total, keepalive)
 * costs more than the 1 KB request itself; deadlines here are seconds, so a quarter of a second of slack is nothing.
 */
export class Sweeper {
  /** Monotonic milliseconds, at most one interval old: good enough for deadlines, free to read. */
  nowMs = performance.now();

  private readonly members = new Set<Sweepable>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly intervalMs = 250) {}

  get size(): number {
    return this.members.size;
  }

  add(member: Sweepable): void {
    if (this.timer === undefined) this.start();
    this.members.add(member);
  }

  remove(member: Sweepable): void {
    this.members.delete(member);
  }

  /** Ends whatever is still under way. */
  stop(): void {
    for (const member of this.members) member.shutDown();
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private start(): void {
    this.nowMs = performance.now();
    this.timer = setInterval(() => {
      this.nowMs = performance.now();
      for (const member of this.members) member.sweep(this.nowMs);
    }, this.intervalMs);
    this.timer.unref();
  }
}
