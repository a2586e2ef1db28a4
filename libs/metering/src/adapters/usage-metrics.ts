import type { Counter, Histogram, Metrics } from '@switchboard/platform';

export interface UsageMetrics {
  records: Counter<'result'>;
  failures: Counter;
  flushSeconds: Histogram;
}

/** `buffered` is asked when the metrics are read, not told at every record. */
export function registerUsageMetrics(metrics: Metrics, buffered: () => number): UsageMetrics {
  metrics.gauge({
    name: 'usage_buffered_records',
    help: 'Usage records in memory, not yet stored.',
    collect() {
      this.set(buffered());
    },
  });
  return {
    records: metrics.counter<'result'>(
      {
        name: 'usage_records_total',
        help: 'Usage records by what became of them: stored, corrected (knew more), duplicate, refused, dropped (lost). Alert on the last two.',
        labelNames: ['result'],
      },
      ['stored', 'corrected', 'duplicate', 'refused', 'dropped'].map((result) => ({ result })),
    ),
    failures: metrics.counter({
      name: 'usage_flush_failures_total',
      help: 'Batches of usage records that failed and were tried again.',
    }),
    flushSeconds: metrics.histogram({
      name: 'usage_flush_seconds',
      help: 'Time to store a batch of usage records.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    }),
  };
}
