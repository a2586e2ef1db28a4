import { type BudgetState, keyBounds, type RateStateV2, tenantBounds } from '@switchboard/contracts';
import { rateStateView } from './rate-state-view';

const unlimited = {
  ...{ open: 0, concurrency: null, requests: null, inputTokens: null, outputTokens: null, budgets: [] },
};
const key = keyBounds({ id: 'k', limits: {} });
const tenant = tenantBounds({ id: 'acme', name: 'Acme', active: true, limits: {}, creditsNanoUsd: 10_000_000_000 });
const spent = (fields: Partial<BudgetState>): BudgetState => ({
  ...{ id: 'credits', nanoUsd: 10_000_000_000, period: 'total', spentNanoUsd: 0, heldNanoUsd: 0, periodStartMs: 0 },
  ...fields,
});
const answer = (budgets: BudgetState[]): RateStateV2 => ({
  scopes: [
    { scope: 'tenant:acme', rates: {}, open: 0, budgets },
    { scope: 'key:k', rates: {}, open: 0, budgets: [] },
  ],
});

test('what nothing limits is null, and each scope has its own counters in whatever order they come', () => {
  const state = answer([]);
  Object.assign(state.scopes[1]!, {
    ...{ open: 3, concurrencyLimit: 5 },
    rates: { requests: { limit: 60, remaining: 12, resetMs: 47_500 } },
  });
  expect(rateStateView({ key, tenant: { ...tenant, budgets: [] } }, state)).toEqual({
    key: {
      ...{ ...unlimited, open: 3, concurrency: { limit: 5, open: 3 } },
      requests: { limit: 60, remaining: 12, resetSeconds: 47.5 },
    },
    tenant: unlimited,
  });
});

test('what is left of a budget is what is neither spent nor set aside, exact and below zero where it came to more', () => {
  const view = (state: BudgetState) => rateStateView({ key, tenant }, answer([state])).tenant.budgets;
  expect(view(spent({ spentNanoUsd: 1_000_000_001, heldNanoUsd: 2 }))).toEqual([
    {
      ...{ id: 'credits', period: 'total', limitUsd: '10.000000000', known: true, periodStart: null },
      ...{ spentUsd: '1.000000001', heldUsd: '0.000000002', remainingUsd: '8.999999997' },
    },
  ]);
  expect(view(spent({ spentNanoUsd: 10_000_000_001 }))).toMatchObject([{ remainingUsd: '-0.000000001' }]);
});

test('a budget whose spending the limiter does not know is told without numbers that nobody has', () => {
  expect(rateStateView({ key, tenant }, answer([])).tenant.budgets).toEqual([
    {
      ...{ id: 'credits', period: 'total', limitUsd: '10.000000000', known: false },
      ...{ spentUsd: null, heldUsd: null, remainingUsd: null, periodStart: null },
    },
  ]);
});

test('a budget of a period tells when that began', () => {
  const [budget] = tenantBounds({
    ...{ id: 'acme', name: 'Acme', active: true, limits: {} },
    budget: { nanoUsd: 5, period: 'month' },
  }).budgets;
  const state = spent({ ...budget, periodStartMs: Date.UTC(2026, 10, 1) });
  const view = rateStateView({ key, tenant: { ...tenant, budgets: [budget!] } }, answer([state]));
  expect(view.tenant.budgets).toMatchObject([
    { id: 'budget', period: 'month', periodStart: '2026-11-01T00:00:00.000Z' },
  ]);
});

test('a limiter that leaves a scope out is no limiter, and nobody is told of zeros instead', () => {
  expect(() => rateStateView({ key, tenant }, { scopes: [] })).toThrow('key:k');
});
