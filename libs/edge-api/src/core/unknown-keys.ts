/** Hashes lately found to be nobody's, each for `forMs`, at most `max` of them: the oldest make room. */
export class UnknownKeys {
  /** Until when; monotonic milliseconds. In order of entry, which is that of expiry. */
  private readonly untilMs = new Map<string, number>();

  constructor(
    private readonly max: number,
    private readonly forMs: number,
  ) {}

  has(sha256Hex: string, nowMs: number): boolean {
    const until = this.untilMs.get(sha256Hex);
    if (until === undefined) return false;
    if (until > nowMs) return true;
    this.untilMs.delete(sha256Hex);
    return false;
  }

  add(sha256Hex: string, nowMs: number): void {
    this.untilMs.delete(sha256Hex);
    for (const oldest of this.untilMs.keys()) {
      if (this.untilMs.size < this.max) break;
      this.untilMs.delete(oldest);
    }
    this.untilMs.set(sha256Hex, nowMs + this.forMs);
  }

  clear(): void {
    this.untilMs.clear();
  }

  get size(): number {
    return this.untilMs.size;
  }
}
