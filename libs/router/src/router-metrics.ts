import type { RoutingSnapshotV1 } from '@switchboard/contracts';
import type { Counter, Metrics } from '@switchboard/platform';

export interface RouterMetrics {
  publishes: Counter<'result'>;
  explanations: Counter<'result'>;
}

/** `published` is asked when the metrics are read. */
export function registerRouterMetrics(metrics: Metrics, published: () => RoutingSnapshotV1 | undefined): RouterMetrics {
  metrics.gauge({
    name: 'routing_snapshot_age_seconds',
    help: 'Age of the routing snapshot this router last saw published; absent before the first.',
    collect() {
      const snapshot = published();
      if (snapshot === undefined) this.remove();
      else this.set(Math.max(0, Date.now() - snapshot.createdAtMs) / 1000);
    },
  });
  metrics.gauge({
    name: 'routing_snapshot_models',
    help: 'Models in the routing snapshot this router last saw published.',
    collect() {
      this.set(Object.keys(published()?.models ?? {}).length);
    },
  });
  return {
    publishes: metrics.counter<'result'>({
      name: 'routing_snapshot_publishes_total',
      help: 'Routing snapshots by what became of them: published, unchanged (already there), failed (tried again).',
      labelNames: ['result'],
    }),
    explanations: metrics.counter<'result'>({
      name: 'routing_explanations_total',
      help: 'Explanations asked for: answered, failed.',
      labelNames: ['result'],
    }),
  };
}
