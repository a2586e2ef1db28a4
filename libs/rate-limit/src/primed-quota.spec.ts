import { LimiterUnavailableError, type ScopeBudget, SUBJECTS } from '@switchboard/contracts';
import { LocalWorld } from './__fixtures__/local-world';
import { bounds, reservation } from './__fixtures__/reservation';
import { eventually, took } from './__fixtures__/waiting';
import type { BusLimiter } from './bus-limiter';

let world: LocalWorld;
let edge: BusLimiter;

beforeEach(() => {
  world = new LocalWorld();
  edge = world.edge();
});

afterEach(() => world.stop());

const startedAtMs = Date.parse('2026-11-20T10:00:00Z');
const monthly: ScopeBudget = { id: 'budget', nanoUsd: 1_000, period: 'month' };
const credits: ScopeBudget = { id: 'credits', nanoUsd: 10_000, period: 'total' };
const paid = [bounds('key:paid', { budgets: [monthly] })];
const paying = (requestId: string, scopes = paid) => reservation(requestId, { scopes, startedAtMs });

test('many calls that find spending unknown ask the ledger once, after edges were asked what they hold', async () => {
  const recalled = new Promise<number>((resolve) => {
    world.bus.subscribe(SUBJECTS.limiterRecall, () => resolve(performance.now()));
  });
  world.replica();
  world.ledger.nanoUsd = 250;
  const calls = Array.from({ length: 40 }, (_, index) => paying(`r${index}`));
  const replies = await Promise.all(calls.map((call) => edge.reserve(call)));
  expect(performance.now() - (await recalled)).toBeGreaterThan(350);
  expect(replies.filter(({ outcome }) => outcome === 'granted')).toHaveLength(7);
  expect(replies.find(({ outcome }) => outcome === 'denied')).toMatchObject({
    reason: 'held',
    budget: { spentNanoUsd: 250, heldNanoUsd: 700 },
  });
  expect(world.ledger.questions).toEqual([
    { tenantId: 'acme', keyId: 'paid', fromMs: Date.parse('2026-11-01T00:00:00Z') },
  ]);
  await edge.reserve(paying('later'));
  expect(world.ledger.questions).toHaveLength(1);
});

test('each budget of a call is read by itself: of its key alone, of the whole tenant since it pays in advance', async () => {
  world.replica();
  const scopes = [...paid, bounds('tenant:acme', { budgets: [{ ...monthly, period: 'day' }, credits] })];
  expect(await edge.reserve(paying('a', scopes))).toMatchObject({ outcome: 'granted' });
  expect(world.ledger.questions).toEqual([
    { tenantId: 'acme', keyId: 'paid', fromMs: Date.parse('2026-11-01T00:00:00Z') },
    { tenantId: 'acme', fromMs: Date.parse('2026-11-20T00:00:00Z') },
    { tenantId: 'acme', fromMs: 0 },
  ]);
});

test('without the ledger calls with a budget are refused, others go on, and it is asked again', async () => {
  world.replica();
  await edge.reserve(paying('first', [bounds('key:other', { budgets: [monthly] })]));
  world.ledger.away = true;
  const refused = expect(edge.reserve(paying('a'))).rejects;
  expect(await took(refused.toThrow(LimiterUnavailableError))).toBeLessThan(300);
  await expect(edge.reserve(paying('b'))).rejects.toThrow('metering is away');
  expect(await edge.reserve(reservation('c'))).toMatchObject({ outcome: 'granted' });
  world.ledger.away = false;
  expect(await edge.reserve(paying('d'))).toMatchObject({ outcome: 'granted' });
});

test('a ledger that takes its time is not waited for; once it has answered calls are admitted', async () => {
  world.replica();
  world.ledger.answersAfterMs = 1_500;
  const ms = await took(expect(edge.reserve(paying('a'))).rejects.toThrow('the ledger is being read'));
  expect(ms).toBeGreaterThan(700);
  expect(ms).toBeLessThan(990);
  let asked = 0;
  await eventually(async () => void (await edge.reserve(paying(`b${asked++}`))));
  expect(world.ledger.questions).toHaveLength(1);
  // Of those that were refused nothing is held.
  expect((await world.stateOf(paid[0]!))?.budgets).toMatchObject([{ spentNanoUsd: 0, heldNanoUsd: 100 }]);
});

test('what is open when spending is learned counts as held', async () => {
  world.replica();
  const day = [bounds('key:paid', { budgets: [{ ...monthly, period: 'day' }] })];
  await edge.reserve(paying('a', day));
  world.ledger.nanoUsd = 60;
  expect(await edge.reserve(paying('b'))).toMatchObject({ outcome: 'granted' });
  expect((await world.stateOf(paid[0]!))?.budgets).toMatchObject([{ spentNanoUsd: 60, heldNanoUsd: 200 }]);
});
