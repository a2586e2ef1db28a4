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
import { Tally } from './tally';

export type { Tally, TallyCell } from './tally';
export type { Counter, Gauge, Histogram, Registry } from 'prom-client';

type Unregistered<C> = Omit<C, 'registers'>;

/**
 * The process's metrics. A feature declares its own here once, at start; names are given without the `switchboard_`
 * prefix, units last (`usage_flush_seconds`). Declaring a name twice throws.
 */
export interface Metrics {
  readonly registry: Registry;
  counter<L extends string = never>(declaration: Unregistered<CounterConfiguration<L>>): Counter<L>;
  /** A counter for what every request counts. */
  tally(declaration: { name: string; help: string; labelNames: readonly string[] }): Tally;
  gauge<L extends string = never>(declaration: Unregistered<GaugeConfiguration<L>>): Gauge<L>;
  histogram<L extends string = never>(declaration: Unregistered<HistogramConfiguration<L>>): Histogram<L>;
}

/** Registers the default process metrics (CPU, memory, event-loop delay, GC) under their standard names. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const place = <D extends { name: string }>(declaration: D): D & { registers: Registry[] } => ({
    ...declaration,
    name: `switchboard_${declaration.name}`,
    registers: [registry],
  });
  return {
    registry,
    counter: <L extends string>(declaration: Unregistered<CounterConfiguration<L>>) =>
      new Counter<L>(place(declaration)),
    tally: (declaration) => new Tally(declaration, (collect) => new Counter({ ...place(declaration), collect })),
    gauge: <L extends string>(declaration: Unregistered<GaugeConfiguration<L>>) => new Gauge<L>(place(declaration)),
    histogram: <L extends string>(declaration: Unregistered<HistogramConfiguration<L>>) =>
      new Histogram<L>(place(declaration)),
  };
}
