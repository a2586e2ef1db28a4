import type { UpstreamState } from '@switchboard/contracts';
import type { Counter, Metrics } from '@switchboard/platform';
import type { PublishedRouting } from './published-routing';

export interface RouterMetrics {
  publishes: Counter<'result'>;
  explanations: Counter<'result'>;
  probes: Counter<'provider' | 'result'>;
  outcomes: Counter<'result'>;
}

/** What the metrics ask when they are read. */
export interface RouterGauges {
  published: PublishedRouting;
  isLeading(): boolean;
  /** Providers whose account is refused, as this router knows it. */
  refusedAccounts(): Iterable<readonly [provider: string, refused: boolean]>;
}

export function registerRouterMetrics(metrics: Metrics, gauges: RouterGauges): RouterMetrics {
  registerSnapshotGauges(metrics, gauges);
  registerStateGauges(metrics, gauges);
  return {
    publishes: metrics.counter<'result'>(
      {
        name: 'routing_snapshot_publishes_total',
        help: 'Changes of the routing snapshot by what became of them: published, refreshed (nothing had changed), failed (tried again).',
        labelNames: ['result'],
      },
      ['published', 'refreshed', 'failed'].map((result) => ({ result })),
    ),
    explanations: metrics.counter<'result'>({
      name: 'routing_explanations_total',
      help: 'Explanations asked for: answered, failed.',
      labelNames: ['result'],
    }),
    probes: metrics.counter<'provider' | 'result'>({
      name: 'routing_probes_total',
      help: 'Probes of providers by what they found: passing, failing.',
      labelNames: ['provider', 'result'],
    }),
    outcomes: metrics.counter<'result'>(
      {
        name: 'routing_outcome_reports_total',
        help: 'Reports of edges on what they met at their upstreams: taken, unreadable.',
        labelNames: ['result'],
      },
      ['taken', 'unreadable'].map((result) => ({ result })),
    ),
  };
}

function registerSnapshotGauges(metrics: Metrics, { published, isLeading }: RouterGauges): void {
  metrics.gauge({
    name: 'routing_snapshot_age_seconds',
    help: 'Age of the routing snapshot this router last saw published; absent before the first.',
    collect() {
      const { head } = published;
      if (head === undefined) this.remove();
      else this.set(Math.max(0, Date.now() - head.createdAtMs) / 1000);
    },
  });
  metrics.gauge({
    name: 'routing_snapshot_models',
    help: 'Models in the routing snapshot this router last saw published.',
    collect() {
      this.set(published.models.length);
    },
  });
  metrics.gauge({
    name: 'routing_snapshot_version',
    help: 'Version of the routing snapshot this router last saw published; grows with every change.',
    collect() {
      this.set(published.head?.version ?? 0);
    },
  });
  metrics.gauge({
    name: 'routing_leader',
    help: 'Whether this router leads: it alone publishes and probes.',
    collect() {
      this.set(isLeading() ? 1 : 0);
    },
  });
}

const STATES = Object.keys({
  ...{ healthy: 0, degraded: 0, 'half-open': 0, open: 0 },
} satisfies Record<UpstreamState, 0>);

function registerStateGauges(metrics: Metrics, { published, refusedAccounts }: RouterGauges): void {
  metrics.gauge<'provider' | 'model' | 'state'>({
    name: 'upstream_state',
    help: 'State of each upstream in the routing snapshot: 1 for the one it is in. `model`: its name at the provider.',
    labelNames: ['provider', 'model', 'state'],
    collect() {
      this.reset();
      for (const { upstreams } of published.models) {
        for (const { provider, model, state } of upstreams) {
          this.set({ provider, model, state: state satisfies UpstreamState }, 1);
        }
      }
    },
  });
  metrics.gauge<'model' | 'state'>({
    name: 'model_upstreams',
    help: 'Upstreams of each model in the routing snapshot, by state. A model with none but open ones is served by nobody.',
    labelNames: ['model', 'state'],
    collect() {
      this.reset();
      for (const { model, upstreams } of published.models) {
        for (const state of STATES) {
          this.set({ model, state }, upstreams.filter((upstream) => upstream.state === state).length);
        }
      }
    },
  });
  metrics.gauge<'provider'>({
    name: 'upstream_account_refused',
    help: 'Whether a provider refuses our account (401, 402, 403): nothing is served there until somebody sees to it.',
    labelNames: ['provider'],
    collect() {
      this.reset();
      for (const [provider, refused] of refusedAccounts()) this.set({ provider }, refused ? 1 : 0);
    },
  });
}
