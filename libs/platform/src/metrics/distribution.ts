import { Histogram, type HistogramConfiguration } from 'prom-client';
import { type Labels, type LabelledCell, LabelledCells } from './labelled-cells';
import type { Place } from './tally';

export interface DistributionDeclaration {
  name: string;
  help: string;
  labelNames?: readonly string[];
  /** Upper bounds, ascending. */
  buckets: readonly number[];
}

/** One combination of label values; whoever observes it often keeps it. */
export class DistributionCell {
  sum = 0;
  /** Of each bound, what was observed above the one before; the last: above all. */
  readonly counts: Float64Array;

  constructor(private readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] as number)) index++;
    counts[index] = (counts[index] as number) + 1;
    this.sum += value;
  }
}

/**
 * A histogram whose observations are a search among a dozen numbers and two additions: 0.07 µs each, where prom-client's, which
 * hash their labels and bounds, take 0.6 to 1.
 */
export class Distribution {
  private readonly cells: LabelledCells<DistributionCell>;

  constructor(
    { name, help, labelNames = [], buckets }: DistributionDeclaration,
    place: Place<HistogramConfiguration<string>>,
  ) {
    this.cells = new LabelledCells(labelNames, () => new DistributionCell(buckets));
    const declaration = place({ name, help, labelNames: [...labelNames], buckets: [...buckets] });
    void new CellHistogram(declaration, buckets, this.cells);
    if (labelNames.length === 0) this.cell();
  }

  /** Label values in the order of the declared names; none may hold a line break. */
  cell(...values: string[]): DistributionCell {
    return this.cells.get(values);
  }

  /** Lets go of cells that nobody will observe any more. */
  keepOnly(isKept: (labels: Labels) => boolean): void {
    this.cells.keepOnly(isKept);
  }
}

type Exposition = Awaited<ReturnType<Histogram['get']>>;

/** What a registry takes for a histogram of prom-client, with the figures of the cells. */
class CellHistogram extends Histogram {
  constructor(
    private readonly declaration: HistogramConfiguration<string>,
    private readonly bounds: readonly number[],
    private readonly cells: LabelledCells<DistributionCell>,
  ) {
    super(declaration);
  }

  override get(): Promise<Exposition> {
    return this.getForPromString();
  }

  /** Where a metric has it, the registry asks for this one. */
  getForPromString(): Promise<Exposition> {
    const { name, help } = this.declaration;
    const values = [...this.cells.all()].flatMap((each) => this.series(name, each));
    // prom-client's types say a number for the type, its registry writes out what is there.
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values } as unknown as Exposition);
  }

  private series(name: string, { labels, cell }: LabelledCell<DistributionCell>): Exposition['values'] {
    let count = 0;
    const buckets = [...cell.counts].map((counted, index) => {
      count += counted;
      return { labels: { ...labels, le: this.bounds[index] ?? '+Inf' }, value: count, metricName: `${name}_bucket` };
    });
    return [
      ...buckets,
      { labels, value: cell.sum, metricName: `${name}_sum` },
      { labels, value: count, metricName: `${name}_count` },
    ];
  }
}
