import {
  collectDefaultMetrics,
  Counter,
  type CounterConfiguration,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  type HistogramConfiguration,
  Registry,
} from 'prom-client';
import { Distribution, type DistributionDeclaration } from './distribution';
import { Tally, type TallyDeclaration } from './tally';

export type { Distribution, DistributionCell } from './distribution';
export type { Tally, TallyCell } from './tally';
export type { Counter, Gauge, Histogram, Registry } from 'prom-client';

type Unregistered<C> = Omit<C, 'registers'>;

/**
 * The process's metrics. A feature declares its own here once, at start; names are given without the `switchboard_`
 * prefix, units last (`usage_flush_seconds`). Declaring a name twice throws.
 */
export interface Metrics {
  readonly registry: Registry;
  /** `known`: in the exposition from 0 on, so that what never happened reads as nothing, not as unknown. */
  counter<L extends string = never>(
    declaration: Unregistered<CounterConfiguration<L>>,
    known?: readonly Record<L, string>[],
  ): Counter<L>;
  /** A counter for what every request counts. */
  tally(declaration: TallyDeclaration): Tally;
  gauge<L extends string = never>(declaration: Unregistered<GaugeConfiguration<L>>): Gauge<L>;
  histogram<L extends string = never>(declaration: Unregistered<HistogramConfiguration<L>>): Histogram<L>;
  /** A histogram for what every request observes. */
  distribution(declaration: DistributionDeclaration): Distribution;
  /** What others have given names: they stay as they are, without the prefix. */
  readonly standard: Pick<Metrics, 'distribution'>;
}

/** Registers the default process metrics (CPU, memory, event-loop delay, GC) under their standard names. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const register = <D>(declaration: D): D & { registers: Registry[] } => ({ ...declaration, registers: [registry] });
  const place = <D extends { name: string }>(declaration: D): D & { registers: Registry[] } =>
    register({ ...declaration, name: `switchboard_${declaration.name}` });
  return {
    registry,
    counter: <L extends string>(
      declaration: Unregistered<CounterConfiguration<L>>,
      known: readonly Record<L, string>[] = [],
    ) => {
      const counter = new Counter<L>(place(declaration));
      for (const labels of known) counter.inc(labels, 0);
      return counter;
    },
    tally: (declaration) => new Tally(declaration, place),
    gauge: <L extends string>(declaration: Unregistered<GaugeConfiguration<L>>) => new Gauge<L>(place(declaration)),
    histogram: <L extends string>(declaration: Unregistered<HistogramConfiguration<L>>) =>
      new Histogram<L>(place(declaration)),
    distribution: (declaration) => new Distribution(declaration, place),
    standard: { distribution: (declaration) => new Distribution(declaration, register) },
  };
}
