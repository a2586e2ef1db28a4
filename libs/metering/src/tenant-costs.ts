import type { Gauge, Metrics, Pool } from '@switchboard/platform';
import { type DearTenant, dearestTenants } from './adapters/dearest-tenants';

const INTERVAL_MS = 15_000;

export interface TenantCostsOptions {
  pool: Pool;
  metrics: Metrics;
  /** How many tenants are told of; 0: none, and nothing is read. */
  top: number;
  /** Milliseconds since the epoch; the clock, where not given. */
  nowMs?: () => number;
}

/**
 * What the dearest tenants of the day (UTC) have spent and called, whichever process reads it: every replica says the same.
 * As many labels as `top` says, whatever tenants there are; and none unless it is asked for, since whoever reads the metrics
 * then reads who the tenants are.
 */
export class TenantCosts {
  private readonly gauges: Record<'cost' | 'requests', Gauge<'tenant'>> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: TenantCostsOptions) {
    if (options.top > 0) this.gauges = registerGauges(options.metrics);
  }

  /** Call it once the database has this release's schema. */
  start(): void {
    if (this.gauges === undefined) return;
    this.timer ??= setInterval(() => void this.read(), INTERVAL_MS).unref();
    void this.read();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  async read(): Promise<void> {
    const { pool, top, nowMs = Date.now } = this.options;
    try {
      this.set(await dearestTenants(pool, { atMs: nowMs(), most: top }));
    } catch {
      // Whoever stores usage tells of the outage; the figures are unknown meanwhile, not what they were.
      this.set([]);
    }
  }

  private set(tenants: readonly DearTenant[]): void {
    if (this.gauges === undefined) return;
    const { cost, requests } = this.gauges;
    cost.reset();
    requests.reset();
    for (const { tenantId: tenant, costNanoUsd, requests: count } of tenants) {
      cost.set({ tenant }, costNanoUsd / 1e9);
      requests.set({ tenant }, count);
    }
  }
}

function registerGauges(metrics: Metrics): Record<'cost' | 'requests', Gauge<'tenant'>> {
  return {
    cost: metrics.gauge<'tenant'>({
      name: 'tenant_cost_today_usd',
      help: 'What the dearest tenants have spent since midnight UTC. Only with TENANT_COST_TOP.',
      labelNames: ['tenant'],
    }),
    requests: metrics.gauge<'tenant'>({
      name: 'tenant_requests_today',
      help: 'Calls of the same tenants since midnight UTC. Only with TENANT_COST_TOP.',
      labelNames: ['tenant'],
    }),
  };
}
