import type { Counter, Gauge, Histogram, Metrics } from '@switchboard/platform';

export interface ConsumerMetrics {
  consumed: Counter;
  inserted: Counter;
  corrected: Counter;
  duplicates: Counter;
  refused: Counter;
  refusedWaiting: Gauge;
  backlog: Gauge;
  lag: Gauge;
  insertSeconds: Histogram;
}

export function registerConsumerMetrics(metrics: Metrics): ConsumerMetrics {
  return {
    consumed: metrics.counter({
      name: 'usage_consumed_total',
      help: 'Usage records read from the stream, those that came again included.',
    }),
    inserted: metrics.counter({ name: 'usage_inserted_total', help: 'Usage records stored.' }),
    corrected: metrics.counter({
      name: 'usage_corrected_total',
      help: 'Usage records that knew more than what was stored for their request: the exact figures of an orphan, say.',
    }),
    duplicates: metrics.counter({
      name: 'usage_duplicates_total',
      help: 'Usage records that said nothing new: deliveries after a crash or an outage.',
    }),
    refused: metrics.counter({
      name: 'usage_refused_total',
      help: 'What cannot be billed as it is: kept whole in usage_refused, for a person to look at.',
    }),
    refusedWaiting: metrics.gauge({
      name: 'usage_refused_waiting',
      help: 'Refused usage that was neither replayed nor dismissed. Alert on any.',
    }),
    backlog: metrics.gauge({
      name: 'usage_backlog',
      help: 'Messages of the usage stream, each of up to 200 records, not yet stored.',
    }),
    lag: metrics.gauge({
      name: 'ledger_lag_seconds',
      help: 'How long the oldest usage that the stream holds has been waiting to be stored and posted; 0: none waits.',
    }),
    insertSeconds: metrics.histogram({
      name: 'usage_insert_seconds',
      help: 'Time to store the records of a batch of messages.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    }),
  };
}
