import { LimiterUnavailableError, type ScopeBudget } from '@switchboard/contracts';
import { LocalWorld } from './__fixtures__/local-world';
import { bounds, reservation, settlement } from './__fixtures__/reservation';
import { eventually, pause, took } from './__fixtures__/waiting';
import { InMemoryQuota } from './core/in-memory-quota';

let world: LocalWorld;

beforeEach(() => (world = new LocalWorld()));
afterEach(() => world.stop());

const budget: ScopeBudget = { id: 'budget', nanoUsd: 1_000, period: 'total' };
const paid = bounds('key:paid', { budgets: [budget] });
const paying = (requestId: string) => reservation(requestId, { scopes: [paid] });
const knowSpending = (spentNanoUsd = 0) =>
  world.quota.prime(
    { group: 'tenant:acme', scope: 'key:paid', id: 'budget', period: 'total', periodStartMs: 0 },
    spentNanoUsd,
  );
const money = async () => (await world.stateOf(paid))?.budgets[0];
const settleSteps = () => world.messages.flat().filter((name) => name === 'settle').length;
const WAITING = 'settlements wait for the limiter';
const TAKEN_AGAIN = 'settlements are taken again';
const LEFT = 'settlements that nobody took are left to expire';

test('those of an outage are sent until they are taken, and each is charged once; the log has two lines', async () => {
  await knowSpending();
  const only = world.replica();
  const edge = world.edge();
  const calls = ['a', 'b', 'c'].map(paying);
  for (const call of calls) await edge.reserve(call);
  await only.close();
  for (const call of calls) edge.settle(settlement(call, { nanoUsd: 10 }));
  await eventually(() => expect(world.logged(WAITING)).toBe(1));
  await pause(600);
  world.replica();
  await eventually(async () => expect(await money()).toMatchObject({ spentNanoUsd: 30, heldNanoUsd: 0 }));
  await eventually(() => expect(world.logged(TAKEN_AGAIN)).toBe(1));
  await pause(500);
  expect(await money()).toMatchObject({ spentNanoUsd: 30, heldNanoUsd: 0 });
  expect(settleSteps()).toBe(3);
  expect([world.logged(WAITING), world.logged(TAKEN_AGAIN)]).toEqual([1, 1]);
});

test('thousands that waited are taken within two seconds of the end of the outage', async () => {
  const only = world.replica();
  const edge = world.edge();
  const calls = Array.from({ length: 3_000 }, (_, index) => reservation(`r${index}`));
  await Promise.all(calls.map((call) => edge.reserve(call)));
  await only.close();
  for (const call of calls) edge.settle(settlement(call));
  await eventually(() => expect(world.logged(WAITING)).toBe(1));
  world.replica();
  await eventually(async () => expect(await world.open()).toBe(0), 2_000);
});

test('close waits until they are taken', async () => {
  const only = world.replica();
  const edge = world.edge();
  await edge.reserve(reservation('a'));
  await only.close();
  edge.settle(settlement(reservation('a')));
  setTimeout(() => world.replica(), 300);
  expect(await took(edge.close(5_000))).toBeLessThan(3_000);
  expect(await world.open()).toBe(0);
  expect(world.logged(LEFT)).toBe(0);
});

test('close gives up after its time, with one line that tells how many, and nothing is sent afterwards', async () => {
  const only = world.replica();
  const edge = world.edge();
  const calls = ['a', 'b'].map((requestId) => reservation(requestId));
  for (const call of calls) await edge.reserve(call);
  await only.close();
  for (const call of calls) edge.settle(settlement(call));
  const ms = await took(edge.close(300));
  expect(ms).toBeGreaterThan(280);
  expect(ms).toBeLessThan(1_000);
  expect(world.lines.filter((line) => line.includes(LEFT)).map((line) => JSON.parse(line).settlements)).toEqual([2]);
  // Beyond the half second for which one that is under way may still ask.
  await pause(700);
  world.replica();
  await pause(500);
  expect(settleSteps()).toBe(0);
});

test('one whose reservation went with the store puts it back, and is charged once', async () => {
  await knowSpending();
  const only = world.replica();
  const edge = world.edge();
  const call = paying('a');
  await edge.reserve(call);
  expect(await edge.extend({ ...settlement(call), nanoUsd: 20 })).toEqual({ outcome: 'granted' });
  await only.close();
  edge.settle(settlement(call, { nanoUsd: 110 }));
  world.quota = new InMemoryQuota({ leaseMs: world.leaseMs });
  await knowSpending(7);
  world.replica();
  await eventually(async () => expect(await money()).toMatchObject({ spentNanoUsd: 117, heldNanoUsd: 0 }));
  await pause(500);
  expect(await money()).toMatchObject({ spentNanoUsd: 117, heldNanoUsd: 0 });
  expect(await world.open('key:paid')).toBe(0);
});

test('one of nothing, whose reservation nobody knows, puts nothing back', async () => {
  await knowSpending();
  world.replica();
  const edge = world.edge();
  edge.settle(settlement(paying('never'), { nanoUsd: 0, inputTokens: 0, outputTokens: 0 }));
  await eventually(() => expect(settleSteps()).toBe(1));
  await pause(50);
  expect(settleSteps()).toBe(1);
  expect(await money()).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: 0 });
});

test('one that comes after its call was charged as an orphan puts the money right', async () => {
  world = new LocalWorld(300);
  await knowSpending();
  world.replica();
  const edge = world.edge();
  const call = paying('a');
  await edge.reserve(call);
  const dead = world.edge();
  await dead.reserve(paying('b'));
  await dead.close(0);
  await eventually(async () => expect(await money()).toMatchObject({ spentNanoUsd: 100, heldNanoUsd: 100 }));
  world.edge().settle(settlement(paying('b'), { nanoUsd: 1 }));
  edge.settle(settlement(call, { nanoUsd: 2 }));
  await eventually(async () => expect(await money()).toMatchObject({ spentNanoUsd: 3, heldNanoUsd: 0 }));
});

test('what was refused untried has nothing to be settled: an outage leaves nothing to be caught up with', async () => {
  world.ledger.away = true;
  world.replica();
  const edge = world.edge();
  for (const call of ['a', 'b'].map(paying)) await expect(edge.reserve(call)).rejects.toThrow(LimiterUnavailableError);
  await pause(50);
  expect(settleSteps()).toBe(0);
});
