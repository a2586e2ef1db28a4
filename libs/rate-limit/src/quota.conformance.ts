import type { ReservationReply, ScopeBudget } from '@switchboard/contracts';
import { bounds, reservation, settlement } from './__fixtures__/reservation';
import { ORPHAN_CLAIM_MS, type Quota, type QuotaSettings, SETTLED_TTL_MS, type Unprimed } from './core/quota';

const LEASE_MS = 60_000;
const NOON = Date.parse('2026-11-20T12:00:00Z');
const DAY_START = Date.parse('2026-11-20T00:00:00Z');

const dayBudget = (nanoUsd: number): ScopeBudget => ({ id: 'budget', nanoUsd, period: 'day' });

/** What every store promises. Each test has a group of its own. */
export function quotaConformance(open: (settings: QuotaSettings) => Quota): void {
  let nowMs: number;
  let quota: Quota;
  let group: string;
  let tests = 0;

  beforeEach(() => {
    nowMs = NOON;
    group = `tenant:t${++tests}`;
    quota = open({ leaseMs: LEASE_MS, now: () => nowMs });
  });

  const call = (requestId: string, changes: Parameters<typeof reservation>[1] = {}) =>
    reservation(requestId, { group, startedAtMs: nowMs, ...changes });
  const amounts = (inputTokens: number, outputTokens: number, nanoUsd = 0) => ({
    inputTokens,
    outputTokens: { least: outputTokens, most: outputTokens },
    nanoUsd,
  });
  const prime = (scope: string, spentNanoUsd = 0, id: ScopeBudget['id'] = 'budget') =>
    quota.prime({ group, scope, id, period: 'day', periodStartMs: DAY_START }, spentNanoUsd);
  const budgetOf = async (scope: string, budget: ScopeBudget) => {
    const { scopes } = await quota.state({ group, scopes: [bounds(scope, { budgets: [budget] })] });
    return scopes[0]?.budgets[0];
  };
  const openCalls = async (scope: string) => (await quota.state({ group, scopes: [bounds(scope)] })).scopes[0]?.open;
  const granted = (reply: ReservationReply | Unprimed): boolean => reply.outcome === 'granted';

  describe('rates', () => {
    const limited = (limits: object) => [bounds('key:k', { limits })];

    test('a burst of the limit goes through, then one per interval, and the wait is exact', async () => {
      const scopes = limited({ rpm: 3 });
      for (const id of ['a', 'b', 'c']) expect(granted(await quota.reserve(call(id, { scopes })))).toBe(true);
      const denied = { outcome: 'denied', scope: 'key:k', reason: 'requests', limit: 3, retryAfterMs: 20_000 };
      expect(await quota.reserve(call('d', { scopes }))).toEqual({
        ...denied,
        rates: { requests: { limit: 3, remaining: 0, resetMs: 60_000 } },
      });
      nowMs += 19_999;
      expect(await quota.reserve(call('d', { scopes }))).toMatchObject({ ...denied, retryAfterMs: 1 });
      nowMs += 1;
      expect(await quota.reserve(call('d', { scopes }))).toEqual({
        outcome: 'granted',
        outputTokens: 5,
        rates: { requests: { limit: 3, remaining: 0, resetMs: 60_000 } },
      });
    });

    test('tokens are reserved, and what was not used is given back', async () => {
      const scopes = limited({ itpm: 100, otpm: 50 });
      const first = call('a', { scopes, amounts: amounts(80, 50) });
      expect(await quota.reserve(first)).toMatchObject({
        rates: { inputTokens: { limit: 100, remaining: 20 }, outputTokens: { limit: 50, remaining: 0 } },
      });
      expect(await quota.reserve(call('b', { scopes, amounts: amounts(10, 10) }))).toMatchObject({
        outcome: 'denied',
        reason: 'outputTokens',
        retryAfterMs: 12_000,
      });
      await quota.settle(settlement(first, { inputTokens: 90, outputTokens: 20 }));
      expect(await quota.reserve(call('b', { scopes, amounts: amounts(10, 10) }))).toMatchObject({
        outcome: 'granted',
        rates: { inputTokens: { remaining: 0 }, outputTokens: { remaining: 20 } },
      });
    });

    test('what was used beyond the reservation is owed', async () => {
      const scopes = limited({ otpm: 60 });
      const first = call('a', { scopes, amounts: amounts(1, 10) });
      await quota.reserve(first);
      await quota.settle(settlement(first, { outputTokens: 90 }));
      expect(await quota.reserve(call('b', { scopes, amounts: amounts(1, 30) }))).toMatchObject({
        reason: 'outputTokens',
        retryAfterMs: 60_000,
      });
    });

    test('a call that never fits is told so', async () => {
      const scopes = limited({ itpm: 100 });
      const reply = await quota.reserve(call('a', { scopes, amounts: amounts(101, 1) }));
      expect(reply).toMatchObject({ outcome: 'denied', reason: 'inputTokens', limit: 100 });
      expect(reply).not.toHaveProperty('retryAfterMs');
    });

    test('output gets what is left between least and most', async () => {
      const scopes = limited({ otpm: 100 });
      const elastic = { inputTokens: 1, outputTokens: { least: 50, most: 100 }, nanoUsd: 0 };
      await quota.reserve(call('a', { scopes, amounts: amounts(1, 30) }));
      expect(await quota.reserve(call('b', { scopes, amounts: elastic }))).toMatchObject({ outputTokens: 70 });
      expect(await quota.reserve(call('c', { scopes, amounts: elastic }))).toMatchObject({
        outcome: 'denied',
        reason: 'outputTokens',
        retryAfterMs: 30_000,
      });
    });

    test('input and output together leave room for each other', async () => {
      const scopes = limited({ tpm: 100 });
      const elastic = { inputTokens: 60, outputTokens: { least: 1, most: 100 }, nanoUsd: 0 };
      expect(await quota.reserve(call('a', { scopes, amounts: elastic }))).toMatchObject({ outputTokens: 40 });
      expect(await quota.reserve(call('b', { scopes, amounts: elastic }))).toMatchObject({ reason: 'tokens' });
    });

    test('the tighter of two scopes is told, and a denial takes nothing from either', async () => {
      const scopes = [bounds('key:k', { limits: { rpm: 10 } }), bounds('tenant:t', { limits: { rpm: 2 } })];
      await quota.reserve(call('a', { scopes }));
      expect(await quota.reserve(call('b', { scopes }))).toMatchObject({
        rates: { requests: { limit: 2, remaining: 0 } },
      });
      expect(await quota.reserve(call('c', { scopes }))).toMatchObject({ outcome: 'denied', scope: 'tenant:t' });
      const { scopes: states } = await quota.state({ group, scopes });
      expect(states.map(({ rates }) => rates.requests?.remaining)).toEqual([8, 0]);
    });

    test('a limit that is raised leaves what was taken as it is', async () => {
      await quota.reserve(call('a', { scopes: limited({ rpm: 1 }) }));
      expect(await quota.reserve(call('b', { scopes: limited({ rpm: 4 }) }))).toMatchObject({
        rates: { requests: { limit: 4, remaining: 2 } },
      });
    });
  });

  describe('concurrency', () => {
    const scopes = [bounds('key:k', { limits: { concurrency: 2 } })];

    test('as many as the limit are open at once', async () => {
      const first = call('a', { scopes });
      await quota.reserve(first);
      await quota.reserve(call('b', { scopes }));
      expect(await quota.reserve(call('c', { scopes }))).toMatchObject({
        reason: 'concurrency',
        limit: 2,
        retryAfterMs: 1_000,
      });
      await quota.settle(settlement(first));
      expect(await quota.reserve(call('c', { scopes }))).toMatchObject({ outcome: 'granted' });
    });

    test('a place whose lease is over is free; a renewed one is not', async () => {
      const [first, second] = [call('a', { scopes }), call('b', { scopes })];
      await quota.reserve(first);
      await quota.reserve(second);
      nowMs += LEASE_MS - 1;
      expect(await quota.renew(settlement(first))).toBe('done');
      nowMs += 1;
      expect(await openCalls('key:k')).toBe(1);
      expect(await quota.reserve(call('c', { scopes }))).toMatchObject({ outcome: 'granted' });
      expect(await quota.reserve(call('d', { scopes }))).toMatchObject({ reason: 'concurrency' });
    });
  });

  describe('money', () => {
    const scopes = (nanoUsd: number) => [bounds('key:k', { budgets: [dayBudget(nanoUsd)] })];
    const costing = (requestId: string, nanoUsd: number, budget = 1_000) =>
      call(requestId, { scopes: scopes(budget), amounts: amounts(1, 1, nanoUsd) });

    test('nothing is admitted before it is known what was spent', async () => {
      expect(await quota.reserve(costing('a', 10))).toEqual({
        outcome: 'unprimed',
        budgets: [{ group, scope: 'key:k', id: 'budget', period: 'day', periodStartMs: DAY_START }],
      });
      await prime('key:k', 995);
      await prime('key:k', 0);
      expect(await quota.reserve(costing('a', 10))).toMatchObject({ outcome: 'denied', reason: 'budget' });
      expect(await quota.reserve(costing('a', 5))).toMatchObject({ outcome: 'granted' });
    });

    test('held and spent never exceed the budget, and a denial tells them', async () => {
      await prime('key:k', 300);
      const first = costing('a', 400);
      await quota.reserve(first);
      const budget = { ...dayBudget(1_000), spentNanoUsd: 300, heldNanoUsd: 400, periodStartMs: DAY_START };
      expect(await quota.reserve(costing('b', 400))).toMatchObject({ reason: 'held', retryAfterMs: 1_000, budget });
      expect(await quota.reserve(costing('b', 300))).toMatchObject({ outcome: 'granted' });
      expect(await quota.reserve(costing('c', 701))).toMatchObject({ reason: 'budget', scope: 'key:k' });
      await quota.settle(settlement(first, { nanoUsd: 1 }));
      expect(await budgetOf('key:k', dayBudget(1_000))).toMatchObject({ spentNanoUsd: 301, heldNanoUsd: 300 });
    });

    test('money that is gone outweighs a rate that is used up', async () => {
      await prime('key:k', 1_000);
      const both = [bounds('key:k', { limits: { rpm: 1 }, budgets: [dayBudget(1_000)] })];
      const free = call('a', { scopes: both, amounts: amounts(1, 1, 0) });
      expect(await quota.reserve(free)).toMatchObject({ outcome: 'granted' });
      expect(await quota.reserve({ ...free, requestId: 'b' })).toMatchObject({ reason: 'requests' });
      expect(await quota.reserve({ ...free, requestId: 'b', amounts: amounts(1, 1, 1) })).toMatchObject({
        reason: 'budget',
      });
    });

    test('credits and budgets of a tenant hold beside those of its key', async () => {
      const credits: ScopeBudget = { id: 'credits', nanoUsd: 50, period: 'total' };
      const tenant = bounds('tenant:t', { budgets: [dayBudget(500), credits] });
      const all = [...scopes(1_000), tenant];
      await prime('key:k');
      await prime('tenant:t');
      const request = call('a', { scopes: all, amounts: amounts(1, 1, 60) });
      expect(await quota.reserve(request)).toMatchObject({
        outcome: 'unprimed',
        budgets: [{ id: 'credits', periodStartMs: 0 }],
      });
      await quota.prime({ group, scope: 'tenant:t', id: 'credits', period: 'total', periodStartMs: 0 }, 0);
      expect(await quota.reserve(request)).toMatchObject({ reason: 'credits', scope: 'tenant:t' });
      expect(await quota.reserve({ ...request, amounts: amounts(1, 1, 50) })).toMatchObject({ outcome: 'granted' });
    });

    test('a new period begins with nothing spent; a call of the old one is charged to the old one', async () => {
      await prime('key:k', 900);
      const late = costing('a', 100);
      await quota.reserve(late);
      nowMs += 24 * 3_600_000;
      expect(await quota.reserve(costing('b', 700))).toMatchObject({ outcome: 'granted' });
      await quota.settle(settlement(late, { nanoUsd: 100 }));
      expect(await budgetOf('key:k', dayBudget(1_000))).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: 700 });
    });

    test('a period that was replaced by another has to be told anew, and counts what is open', async () => {
      await prime('key:k');
      await quota.reserve(costing('a', 100));
      const month: ScopeBudget = { id: 'budget', nanoUsd: 1_000, period: 'month' };
      const monthly = [bounds('key:k', { budgets: [month] })];
      const request = call('b', { scopes: monthly, amounts: amounts(1, 1, 10) });
      const reply = (await quota.reserve(request)) as Unprimed;
      expect(reply.outcome).toBe('unprimed');
      for (const budget of reply.budgets) await quota.prime(budget, 500);
      expect(await budgetOf('key:k', month)).toMatchObject({ spentNanoUsd: 500, heldNanoUsd: 100 });
    });

    test('an open call may be given more, within the budget', async () => {
      await prime('key:k');
      const first = costing('a', 600);
      await quota.reserve(first);
      const extension = { ...settlement(first), nanoUsd: 400 };
      expect(await quota.extend(extension)).toEqual({ outcome: 'granted' });
      expect(await quota.extend({ ...extension, nanoUsd: 1 })).toEqual({
        outcome: 'denied',
        reason: 'budget',
        scope: 'key:k',
      });
      await quota.settle(settlement(first, { nanoUsd: 1_000 }));
      expect(await budgetOf('key:k', dayBudget(1_000))).toMatchObject({ spentNanoUsd: 1_000, heldNanoUsd: 0 });
      expect(await quota.extend(extension)).toEqual({ outcome: 'unknown' });
    });
  });

  describe('requests count once', () => {
    const scopes = [bounds('key:k', { limits: { rpm: 10 }, budgets: [dayBudget(1_000)] })];
    const spent = async () => {
      const { scopes: states } = await quota.state({ group, scopes });
      return { left: states[0]?.rates.requests?.remaining, ...states[0]?.budgets[0], open: states[0]?.open };
    };

    beforeEach(() => prime('key:k'));

    test('however often they are reserved and settled', async () => {
      const first = call('a', { scopes });
      await quota.reserve(first);
      expect(await quota.reserve(first)).toMatchObject({ outcome: 'granted', outputTokens: 5 });
      expect(await spent()).toMatchObject({ left: 9, heldNanoUsd: 100, open: 1 });
      expect(await quota.settle(settlement(first))).toBe('done');
      expect(await quota.settle(settlement(first))).toBe('done');
      expect(await quota.reserve(first)).toMatchObject({ outcome: 'granted' });
      expect(await spent()).toMatchObject({ left: 9, heldNanoUsd: 0, spentNanoUsd: 100, open: 0 });
    });

    test('one that is settled with nothing before it is reserved opens nothing', async () => {
      const first = call('a', { scopes });
      const nothing = settlement(first, { nanoUsd: 0, inputTokens: 0, outputTokens: 0 });
      expect(await quota.settle(nothing)).toBe('unknown');
      nowMs += SETTLED_TTL_MS - 1;
      await quota.reserve(first);
      expect(await spent()).toMatchObject({ left: 10, heldNanoUsd: 0, open: 0 });
    });

    test('one whose reservation is lost is charged once it is put back', async () => {
      const first = call('a', { scopes });
      expect(await quota.settle(settlement(first))).toBe('unknown');
      await quota.restore(first, { outputTokens: 5, nanoUsd: 100 });
      await quota.restore(first, { outputTokens: 5, nanoUsd: 100 });
      expect(await spent()).toMatchObject({ heldNanoUsd: 100, open: 1 });
      expect(await quota.settle(settlement(first))).toBe('done');
      await quota.restore(first, { outputTokens: 5, nanoUsd: 100 });
      expect(await spent()).toMatchObject({ heldNanoUsd: 0, spentNanoUsd: 100, open: 0 });
    });
  });

  describe('what nobody settles', () => {
    const scopes = [bounds('key:k', { budgets: [dayBudget(1_000)] })];
    const money = () => budgetOf('key:k', dayBudget(1_000));

    beforeEach(() => prime('key:k'));

    test('becomes an orphan when its lease is over, its money spent, and is given until it is recorded', async () => {
      const first = call('a', { scopes });
      await quota.reserve(first);
      expect(await quota.groups()).toContain(group);
      nowMs += LEASE_MS - 1;
      expect(await quota.expire(group)).toEqual([]);
      nowMs += 1;
      const orphan = { request: first, held: { outputTokens: 5, nanoUsd: 100 } };
      expect(await quota.expire(group)).toEqual([orphan]);
      expect(await quota.expire(group)).toEqual([]);
      expect(await money()).toMatchObject({ spentNanoUsd: 100, heldNanoUsd: 0 });
      expect(await openCalls('key:k')).toBe(0);
      nowMs += ORPHAN_CLAIM_MS;
      expect(await quota.expire(group)).toEqual([orphan]);
      await quota.orphanRecorded(group, 'a');
      nowMs += ORPHAN_CLAIM_MS;
      expect(await quota.expire(group)).toEqual([]);
      expect(await money()).toMatchObject({ spentNanoUsd: 100, heldNanoUsd: 0 });
    });

    test('a settlement that comes all the same puts the money right', async () => {
      const first = call('a', { scopes });
      await quota.reserve(first);
      nowMs += LEASE_MS;
      await quota.expire(group);
      expect(await quota.renew(settlement(first))).toBe('orphaned');
      expect(await quota.extend({ ...settlement(first), nanoUsd: 1 })).toEqual({ outcome: 'orphaned' });
      expect(await quota.settle(settlement(first, { nanoUsd: 30 }))).toBe('orphaned');
      expect(await quota.settle(settlement(first, { nanoUsd: 30 }))).toBe('done');
      expect(await money()).toMatchObject({ spentNanoUsd: 30, heldNanoUsd: 0 });
    });

    test('without a record to be made it just ends', async () => {
      const { intent: _none, ...first } = call('a', { scopes });
      await quota.reserve(first);
      nowMs += LEASE_MS;
      expect(await quota.expire(group)).toEqual([]);
      expect(await quota.renew(settlement(first))).toBe('unknown');
      expect(await openCalls('key:k')).toBe(0);
    });
  });

  test('many at once never overspend, and miss less than one call', async () => {
    const scopes = [bounds('key:k', { budgets: [dayBudget(1_000)] })];
    await prime('key:k');
    const replies = await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        quota.reserve(call(`r${index}`, { scopes, amounts: amounts(1, 1, 30) })),
      ),
    );
    expect(replies.filter(granted)).toHaveLength(33);
    expect(await budgetOf('key:k', dayBudget(1_000))).toMatchObject({ heldNanoUsd: 990 });
  });
}
