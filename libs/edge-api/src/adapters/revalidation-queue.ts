import type { HeldKey } from '../core/held-keys';

/** Looks at keys again in the background, a few at a time; each waits at most once. */
export class RevalidationQueue {
  private readonly waiting = new Set<HeldKey>();
  private underWay = 0;

  /** `revalidate` must not reject. `canAsk`: without anybody to ask, what waits is let go. */
  constructor(
    private readonly concurrencyMax: number,
    private readonly canAsk: () => boolean,
    private readonly revalidate: (key: HeldKey) => Promise<void>,
  ) {}

  add(key: HeldKey): void {
    this.waiting.add(key);
    this.next();
  }

  addAll(keys: Iterable<HeldKey>): void {
    for (const key of keys) this.waiting.add(key);
    this.next();
  }

  clear(): void {
    this.waiting.clear();
  }

  private next(): void {
    if (!this.canAsk()) return this.clear();
    for (const key of this.waiting) {
      if (this.underWay >= this.concurrencyMax) return;
      this.waiting.delete(key);
      this.underWay++;
      void this.revalidate(key).then(() => {
        this.underWay--;
        this.next();
      });
    }
  }
}
