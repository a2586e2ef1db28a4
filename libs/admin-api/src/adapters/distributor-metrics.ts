import type { Histogram, Metrics } from '@switchboard/platform';
import type { OutboxState } from './distributor';
import type { Published } from './publication';

export interface DistributorMetrics {
  rebuildSeconds: Histogram;
  published(published: Published): void;
  outbox(state: OutboxState): void;
}

export function registerDistributorMetrics(metrics: Metrics): DistributorMetrics {
  const publishes = metrics.counter({
    name: 'catalog_publishes_total',
    help: 'Entries written to the buckets of catalog and keys.',
    labelNames: ['bucket', 'action'],
  });
  const depth = metrics.gauge({ name: 'outbox_entries', help: 'Changes that wait to be published.' });
  const age = metrics.gauge({ name: 'outbox_oldest_seconds', help: 'How long the oldest of them has been waiting.' });
  return {
    rebuildSeconds: metrics.histogram({
      name: 'catalog_rebuild_seconds',
      help: 'Comparing the buckets of catalog and keys with the tables, everything.',
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60],
    }),
    published: ({ bucket, action }) => publishes.inc({ bucket, action }),
    outbox: (state) => {
      depth.set(state.depth);
      age.set(state.oldestSeconds);
    },
  };
}
