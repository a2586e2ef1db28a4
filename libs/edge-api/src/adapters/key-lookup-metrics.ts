import type { Metrics, TallyCell } from '@switchboard/platform';

/** What came of looking for keys that memory does not hold; those that it holds are not counted: every request is one. */
export interface KeyLookupMetrics {
  found: TallyCell;
  unknown: TallyCell;
  unavailable: TallyCell;
  /** Not looked up: too many others were being. */
  overloaded: TallyCell;
}

/** `held` is asked when the metrics are read. */
export function registerKeyLookupMetrics(metrics: Metrics, held: () => number): KeyLookupMetrics {
  const lookups = metrics.tally({
    name: 'key_lookups_total',
    help: 'Keys asked for that were not in memory, by what came of it',
    labelNames: ['outcome'],
  });
  metrics.gauge({
    name: 'cached_keys',
    help: 'Keys held in memory',
    collect() {
      this.set(held());
    },
  });
  return {
    found: lookups.cell('found'),
    unknown: lookups.cell('unknown'),
    unavailable: lookups.cell('unavailable'),
    overloaded: lookups.cell('overloaded'),
  };
}
