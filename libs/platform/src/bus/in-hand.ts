/** Counts handlers under way, for those who stop to wait for them. */
export class InHand {
  private readonly running = new Set<Promise<void>>();

  run(work: () => Promise<void>): void {
    const settled = work().finally(() => this.running.delete(settled));
    this.running.add(settled);
  }

  /** Resolves when none is under way. */
  async ended(): Promise<void> {
    while (this.running.size > 0) await Promise.allSettled(this.running);
  }
}
