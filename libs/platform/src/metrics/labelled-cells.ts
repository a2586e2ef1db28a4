export type Labels = Readonly<Record<string, string>>;

export interface LabelledCell<C> {
  labels: Labels;
  cell: C;
}

/** A cell for each combination of label values, made when it is first asked for. */
export class LabelledCells<C> {
  private readonly cells = new Map<string, LabelledCell<C>>();

  constructor(
    private readonly labelNames: readonly string[],
    private readonly make: () => C,
  ) {}

  /** Label values in the order of the names; none may hold a line break. */
  get(values: readonly string[]): C {
    const name = values.join('\n');
    let found = this.cells.get(name);
    if (found === undefined) {
      const labels = Object.fromEntries(this.labelNames.map((label, index) => [label, values[index] ?? '']));
      this.cells.set(name, (found = { labels, cell: this.make() }));
    }
    return found.cell;
  }

  all(): Iterable<LabelledCell<C>> {
    return this.cells.values();
  }

  keepOnly(isKept: (labels: Labels) => boolean): void {
    for (const [name, { labels }] of this.cells) if (!isKept(labels)) this.cells.delete(name);
  }
}
