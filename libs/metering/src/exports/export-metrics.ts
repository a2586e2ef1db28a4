import type { Counter, Metrics } from '@switchboard/platform';

export interface ExportMetrics {
  exports: Counter<'result'>;
}

export function registerExportMetrics(metrics: Metrics): ExportMetrics {
  return {
    exports: metrics.counter<'result'>(
      {
        name: 'exports_total',
        help: 'Exports by what became of them: done, retried (failed, tried again), failed (given up).',
        labelNames: ['result'],
      },
      ['done', 'retried', 'failed'].map((result) => ({ result })),
    ),
  };
}
