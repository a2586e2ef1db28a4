import type { Json } from '../e2e/gateway-config';
import { keyHash } from '../e2e/gateway-config';

/** Whom calls are charged to. A payer's name stands in its models, so that what the upstream served tells whose it was. */
export interface Payer {
  name: string;
  /** The tenant that holds the key. */
  tenant: string;
  key: string;
  bounds: Json;
}

/** What no more may be spent than: of one key, or of a tenant with all its keys. */
export interface BudgetOf {
  name: string;
  nanoUsd: number;
  payers: readonly string[];
}

export interface Payers {
  all: readonly Payer[];
  budgets: readonly BudgetOf[];
  tenants: Json[];
}

const LIMITS = { rpm: 1_000_000, itpm: 1_000_000_000, otpm: 1_000_000_000, concurrency: 10_000 };
const AMPLE_USD = 10_000;
/** When keys with a small budget run out, as parts of the load's time at the usual pace; the last ones do not. */
const RUN_OUT_AT = [0.15, 0.3, 0.5, 0.7, 0.9, 2];
/** What one key with a small budget spends at the usual pace, nano-USD a second: measured with 36 clients. */
const PACE_NANO_USD = 3_300_000;

/** Keys without bounds, with limits, with ample budgets, and with budgets that run out while the load lasts. */
export function payersFor(loadMs: number): Payers {
  const usdAt = (part: number): number => Math.round((part * loadMs * PACE_NANO_USD) / 1_000) / 1e9;
  const payer = (tenant: string, name: string, bounds: Json = {}): Payer => {
    return { name, tenant, key: `cm_test_chaos-${name}`, bounds };
  };
  const small = RUN_OUT_AT.map((part, index) => ({ name: `small-${index + 1}`, usd: usdAt(part) }));
  const shared = { tenant: 'shared-budget', usd: usdAt(1.2), keys: ['shared-1', 'shared-2'] };
  const all = [
    payer('acme', 'unbounded-1'),
    payer('acme', 'unbounded-2'),
    payer('acme', 'limited', { limits: LIMITS }),
    payer('acme', 'tight', { limits: { rpm: 90 } }),
    payer('acme', 'ample', { budget: { usd: AMPLE_USD, period: 'month' } }),
    ...small.map(({ name, usd }) => payer('acme', name, { budget: { usd, period: 'total' } })),
    ...shared.keys.map((name) => payer(shared.tenant, name)),
  ];
  const ofTenant = (tenant: string): Json[] =>
    all
      .filter((each) => each.tenant === tenant)
      .map(({ name, key, bounds }) => ({ name, key: { hash: keyHash(key) }, ...bounds }));
  return {
    all,
    budgets: [
      { name: 'ample', nanoUsd: AMPLE_USD * 1e9, payers: ['ample'] },
      ...small.map(({ name, usd }) => ({ name, nanoUsd: Math.round(usd * 1e9), payers: [name] })),
      { name: shared.tenant, nanoUsd: Math.round(shared.usd * 1e9), payers: shared.keys },
    ],
    tenants: [
      { id: 'acme', keys: ofTenant('acme') },
      { id: shared.tenant, budget: { usd: shared.usd, period: 'total' }, keys: ofTenant(shared.tenant) },
    ],
  };
}
