import type { Counter, Metrics } from '@switchboard/platform';

/** `kept`; `too_large`; `dropped`: the memory was full or the end came first; `duplicate`: one of that id is on its way. */
export type PutOutcome = 'kept' | 'too_large' | 'dropped' | 'duplicate';
/** `unreadable`: it is there, and does not open. */
export type LookupOutcome = 'found' | 'unknown' | 'unavailable' | 'unreadable';

export interface ArchiveMetrics {
  puts: Counter<'outcome'>;
  lookups: Counter<'outcome'>;
  failures: Counter;
}

/** `buffered` is asked when the metrics are read. */
export function registerArchiveMetrics(metrics: Metrics, buffered: () => number): ArchiveMetrics {
  metrics.gauge({
    name: 'responses_buffered',
    help: 'Responses in memory that are not safe yet.',
    collect() {
      this.set(buffered());
    },
  });
  return {
    puts: metrics.counter(
      {
        name: 'responses_put_total',
        help: 'Responses that were to be stored, by what became of them. Alert on dropped.',
        labelNames: ['outcome'],
      },
      ['kept', 'too_large', 'dropped', 'duplicate'].map((outcome) => ({ outcome })),
    ),
    lookups: metrics.counter(
      {
        name: 'responses_lookups_total',
        help: 'Questions for stored responses, by what came of them. Alert on unreadable.',
        labelNames: ['outcome'],
      },
      ['found', 'unknown', 'unavailable', 'unreadable'].map((outcome) => ({ outcome })),
    ),
    failures: metrics.counter({
      name: 'responses_failures_total',
      help: 'Responses that were not confirmed and were tried again.',
    }),
  };
}
