/**
 * Things that wait, each in the line of its owner. The owners take turns, whatever the length of their lines, and each
 * line is served in the order in which it formed. Every operation takes constant time.
 */
export class FairQueue<T> {
  /** By owner, whose turn it is first; never an empty line. */
  private readonly lines = new Map<string, Set<T>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** An owner with no line yet has its turn after all the others. */
  push(owner: string, item: T): void {
    const line = this.lines.get(owner);
    if (line === undefined) this.lines.set(owner, new Set([item]));
    else line.add(item);
    this.count++;
  }

  /** Whose turn it is; it stays. */
  first(): T | undefined {
    for (const line of this.lines.values()) for (const item of line) return item;
    return undefined;
  }

  /** It was served: its owner's next turn comes after all the others'. */
  serve(owner: string, item: T): void {
    this.remove(owner, item);
    const line = this.lines.get(owner);
    if (line === undefined) return;
    this.lines.delete(owner);
    this.lines.set(owner, line);
  }

  /** It waits no longer; nobody's turn changes. */
  remove(owner: string, item: T): void {
    const line = this.lines.get(owner);
    if (line?.delete(item) !== true) return;
    this.count--;
    if (line.size === 0) this.lines.delete(owner);
  }
}
