import { LimiterUnavailableError, type ScopeBudget } from '@switchboard/contracts';
import { createMetrics } from '@switchboard/platform';
import { bounds, reservation, settlement } from './__fixtures__/reservation';
import { TestLedger } from './__fixtures__/test-ledger';
import { eventually, took } from './__fixtures__/waiting';
import { createLocalLimiter } from './client';
import { InMemoryQuota } from './core/in-memory-quota';

const budget: ScopeBudget = { id: 'budget', nanoUsd: 1_000, period: 'day' };
const scopes = [bounds('key:key_1', { limits: { rpm: 10 }, budgets: [budget] })];
const call = reservation('a', { scopes, startedAtMs: Date.now() });
const state = { group: 'tenant:acme', scopes };

const open = (ledger = new TestLedger()) => {
  const metrics = createMetrics();
  return { metrics, limiter: createLocalLimiter({ quota: new InMemoryQuota({ leaseMs: 60_000 }), ledger, metrics }) };
};

test('without the bus there is the same limiter, and nobody to be asked first', async () => {
  const { limiter, metrics } = open();
  expect(await took(expect(limiter.reserve(call)).resolves.toMatchObject({ outcome: 'granted' }))).toBeLessThan(200);
  expect(await limiter.extend({ ...settlement(call), nanoUsd: 900 })).toEqual({ outcome: 'granted' });
  expect(await limiter.extend({ ...settlement(call), nanoUsd: 1 })).toMatchObject({ outcome: 'denied' });
  expect((await limiter.state(state)).scopes).toMatchObject([{ open: 1, budgets: [{ heldNanoUsd: 1_000 }] }]);
  limiter.settle(settlement(call, { nanoUsd: 990 }));
  await eventually(async () =>
    expect((await limiter.state(state)).scopes).toMatchObject([
      { open: 0, rates: { requests: { remaining: 9 } }, budgets: [{ spentNanoUsd: 990, heldNanoUsd: 0 }] },
    ]),
  );
  await expect(limiter.extend({ ...settlement(call), nanoUsd: 1 })).rejects.toThrow(LimiterUnavailableError);
  const exposition = await metrics.registry.metrics();
  expect(exposition).toContain('switchboard_rate_limit_steps_total{step="settle",outcome="done"} 1');
});

test('without the ledger calls with a budget are refused, others go on', async () => {
  const ledger = new TestLedger();
  ledger.away = true;
  const { limiter } = open(ledger);
  await expect(limiter.reserve(call)).rejects.toThrow(LimiterUnavailableError);
  expect(await limiter.reserve(reservation('b'))).toMatchObject({ outcome: 'granted' });
  ledger.away = false;
  expect(await limiter.reserve(call)).toMatchObject({ outcome: 'granted' });
});
