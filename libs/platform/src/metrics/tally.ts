import { Counter } from 'prom-client';
import type { CounterConfiguration } from 'prom-client';
import { type Labels, LabelledCells } from './labelled-cells';

/** One combination of label values; whoever counts it often keeps it. */
export interface TallyCell {
  count: number;
}

export interface TallyDeclaration {
  name: string;
  help: string;
  labelNames: readonly string[];
  /** What one of what is counted is worth in the unit of the name; default 1: nano-USD are counted, and told as USD. */
  unit?: number;
}

/**
 * A counter whose increments are an addition: prom-client hashes the labels at each one, 0.4 µs, and a request makes six.
 * Every cell that was asked for is in the exposition, from 0 on: what never happened reads as nothing, not as unknown.
 */
export class Tally {
  private readonly cells: LabelledCells<TallyCell>;

  constructor({ labelNames, unit = 1, ...declaration }: TallyDeclaration, place: Place<CounterConfiguration<string>>) {
    const cells = new LabelledCells<TallyCell>(labelNames, () => ({ count: 0 }));
    this.cells = cells;
    void new Counter({
      ...place({ ...declaration, labelNames: [...labelNames] }),
      collect() {
        // As it is, not what has come since: cells may have been let go of.
        this.reset();
        for (const { labels, cell } of cells.all()) this.inc(labels, cell.count * unit);
      },
    });
  }

  /** Label values in the order of the declared names; none may hold a line break. */
  cell(...values: string[]): TallyCell {
    return this.cells.get(values);
  }

  /** Lets go of cells that nobody will count any more: of a model that is no longer in the catalog, say. */
  keepOnly(isKept: (labels: Labels) => boolean): void {
    this.cells.keepOnly(isKept);
  }
}

/** Adds what every metric of a process has: the prefix of its name, and where it is registered. */
export type Place<C> = (declaration: C) => C;
