import type { Counter, Gauge, Histogram, Metrics } from '@switchboard/platform';

export interface JobMetrics {
  runs: Counter<'job' | 'result'>;
  seconds: Histogram<'job'>;
  lastSuccess: Gauge<'job'>;
}

export function registerJobMetrics(metrics: Metrics): JobMetrics {
  return {
    runs: metrics.counter<'job' | 'result'>({
      name: 'jobs_total',
      help: 'Runs of recurring jobs by their result: done, failed (its next turn tries again), stopped (by the end of the process).',
      labelNames: ['job', 'result'],
    }),
    seconds: metrics.histogram<'job'>({
      name: 'job_seconds',
      help: 'Time that a run of a recurring job took.',
      labelNames: ['job'],
      buckets: [0.01, 0.05, 0.25, 1, 5, 30, 120, 600, 3_600],
    }),
    lastSuccess: metrics.gauge<'job'>({
      name: 'job_last_success_timestamp_seconds',
      help: 'When a recurring job was last done by this process; of several replicas the latest counts.',
      labelNames: ['job'],
    }),
  };
}
