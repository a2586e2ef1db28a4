import type { Tenant } from './keys';
import { boundsOf } from './limiter';

const unbounded: Tenant = { id: 'acme', name: 'Acme', active: true, limits: {} };
const budget = { nanoUsd: 5, period: 'day' } as const;

test('a call is counted against its key and then its tenant, each with all its limits and budgets', () => {
  const tenant: Tenant = { ...unbounded, limits: { rpm: 10, concurrency: 2 }, budget, creditsNanoUsd: 7 };
  expect(boundsOf(tenant, { id: 'k', limits: { itpm: 3 }, budget })).toEqual([
    { scope: 'key:k', limits: { itpm: 3 }, budgets: [{ id: 'budget', ...budget }] },
    {
      ...{ scope: 'tenant:acme', limits: { rpm: 10, concurrency: 2 } },
      budgets: [
        { id: 'budget', ...budget },
        { id: 'credits', nanoUsd: 7, period: 'total' },
      ],
    },
  ]);
});

test('what bounds nothing is left out', () => {
  const bounded = { id: 'k', limits: { otpm: 1 } };
  expect(boundsOf(unbounded, { id: 'k', limits: {} })).toEqual([]);
  expect(boundsOf(unbounded, bounded).map(({ scope }) => scope)).toEqual(['key:k']);
  expect(boundsOf({ ...unbounded, budget }, { id: 'k', limits: {} }).map(({ scope }) => scope)).toEqual([
    'tenant:acme',
  ]);
  expect(boundsOf({ ...unbounded, limits: { rpm: 1 } }).map(({ scope }) => scope)).toEqual(['tenant:acme']);
});

test('credits bound a tenant that has nothing else, used up or never filled ones too', () => {
  expect(boundsOf({ ...unbounded, creditsNanoUsd: 0 })).toEqual([
    { scope: 'tenant:acme', limits: {}, budgets: [{ id: 'credits', nanoUsd: 0, period: 'total' }] },
  ]);
});
