import {
  parseUsageBatch,
  type ScopeBudget,
  STREAMS,
  type UsageBatchReading,
  type UsageRecordedV1,
} from '@switchboard/contracts';
import { LocalWorld } from './__fixtures__/local-world';
import { bounds, reservation, settlement } from './__fixtures__/reservation';
import { TestStore } from './__fixtures__/test-store';
import { eventually, pause } from './__fixtures__/waiting';
import { InMemoryQuota } from './core/in-memory-quota';

const LEASE_MS = 600;

let world: LocalWorld;
let readings: UsageBatchReading[];

beforeEach(() => {
  world = new LocalWorld(LEASE_MS);
  readings = [];
  world.bus.consume(STREAMS.usage, 'test', { sizeMax: 10, waitMs: 1 }, (messages) => {
    readings.push(...messages.map(({ payload }) => parseUsageBatch(payload)));
    return Promise.resolve();
  });
});

afterEach(() => world.stop());

const events = (): UsageRecordedV1[] => readings.flatMap((reading) => reading.events);
const budget: ScopeBudget = { id: 'budget', nanoUsd: 1_000, period: 'total' };
const paid = bounds('key:paid', { limits: { concurrency: 5 }, budgets: [budget] });
const elastic = { inputTokens: 10, outputTokens: { least: 5, most: 80 }, nanoUsd: 100 };
const paying = (requestId: string) => reservation(requestId, { scopes: [paid], amounts: elastic });
const knowSpending = () =>
  world.quota.prime({ group: 'tenant:acme', scope: 'key:paid', id: 'budget', period: 'total', periodStartMs: 0 }, 0);

test('a reservation lives as long as its edge, whatever its lease', async () => {
  await knowSpending();
  world.replica();
  const edge = world.edge();
  await edge.reserve(paying('a'));
  await pause(4 * LEASE_MS);
  expect(await world.open('key:paid')).toBe(1);
  expect(world.messages.flat().filter((name) => name === 'renew').length).toBeGreaterThanOrEqual(6);
  edge.settle(settlement(paying('a')));
  await eventually(async () => expect(await world.open('key:paid')).toBe(0));
  const renewed = world.messages.flat().filter((name) => name === 'renew').length;
  await pause(LEASE_MS);
  expect(world.messages.flat().filter((name) => name === 'renew')).toHaveLength(renewed);
  expect(events()).toEqual([]);
});

test('the lease is what the last answer says, also where it becomes longer', async () => {
  const short = world.replica();
  const edge = world.edge();
  await edge.reserve(reservation('a'));
  await pause(LEASE_MS / 2);
  const renewals = () => world.messages.flat().filter((name) => name === 'renew').length;
  await eventually(() => expect(renewals()).toBeGreaterThan(0));
  await short.close();
  world.replica({ leaseMs: 3_000 });
  await edge.reserve(reservation('b'));
  const before = renewals();
  await pause(900);
  expect(renewals()).toBe(before);
  await eventually(() => expect(renewals()).toBe(before + 2), 1_000);
});

test('an edge that dies leaves one record, of what it held at most, however many replicas sweep', async () => {
  await knowSpending();
  for (let replica = 0; replica < 3; replica++) world.replica();
  const [edge, alive] = [world.edge(), world.edge()];
  const startedAtMs = Date.now() - 5_000;
  const call = { ...paying('dead'), startedAtMs };
  await edge.reserve(call);
  expect(await edge.extend({ ...settlement(call), nanoUsd: 23 })).toEqual({ outcome: 'granted' });
  await alive.reserve(paying('alive'));
  await edge.close(0);
  await eventually(() => expect(events()).toHaveLength(1));
  await pause(3 * LEASE_MS);
  expect(readings.flatMap(({ faults }) => faults)).toEqual([]);
  expect(events()).toEqual([
    {
      ...call.intent,
      requestId: 'dead',
      usage: expect.objectContaining({ inputTokens: 10, outputTokens: 80, reasoningTokens: 0 }),
      costNanoUsd: 123,
      accuracy: 'orphaned',
      startedAtMs,
      latencyMs: expect.any(Number),
      attempts: 1,
      finish: 'orphaned',
      status: 500,
      losses: [],
    },
  ]);
  expect(events()[0]?.latencyMs).toBeGreaterThan(5_000);
  expect((await world.stateOf(paid))?.budgets).toMatchObject([{ spentNanoUsd: 123, heldNanoUsd: 100 }]);
  expect(await world.open('key:paid')).toBe(1);
  expect(world.logged('a call was never settled')).toBe(1);
});

test('a call that is not to be recorded just ends with its edge', async () => {
  world.replica();
  const edge = world.edge();
  const { intent: _none, ...call } = reservation('a');
  await edge.reserve(call);
  await edge.close(0);
  const more = { ...settlement(call), nanoUsd: 0 };
  expect(await world.quota.extend(more)).toEqual({ outcome: 'granted' });
  await eventually(async () => expect(await world.quota.extend(more)).toEqual({ outcome: 'unknown' }));
  await pause(300);
  expect(events()).toEqual([]);
});

test('nothing is made an orphan within one lease after the store came back', async () => {
  const store = new TestStore();
  world.replica({ store });
  const edge = world.edge();
  await edge.reserve(reservation('a'));
  await edge.close(0);
  for (let time = 0; time < 6; time++) {
    await pause(LEASE_MS / 2);
    store.connects();
  }
  const backAtMs = performance.now();
  expect(events()).toEqual([]);
  await eventually(() => expect(events()).toHaveLength(1));
  expect(performance.now() - backAtMs).toBeGreaterThan(LEASE_MS - 50);
});

test('nor before edges had the time to renew, where it was only silent', async () => {
  const quota = new SilentQuota({ leaseMs: LEASE_MS });
  world.quota = quota;
  world.replica();
  const edge = world.edge();
  await edge.reserve(reservation('a'));
  await edge.close(0);
  quota.silent = true;
  await pause(3 * LEASE_MS);
  quota.silent = false;
  const backAtMs = performance.now();
  await eventually(() => expect(events()).toHaveLength(1));
  expect(performance.now() - backAtMs).toBeGreaterThan(LEASE_MS / 3);
  expect(world.logged('expired reservations cannot be recorded now')).toBe(1);
  expect(world.logged('expired reservations are recorded again')).toBe(1);
});

test('a record that the stream does not take waits, and is made once when it does', async () => {
  let away = true;
  const append = (...given: Parameters<typeof world.bus.append>) =>
    away ? Promise.reject(new Error('no stream')) : world.bus.append(...given);
  let nowMs = Date.now();
  world.quota = new InMemoryQuota({ leaseMs: LEASE_MS, now: () => nowMs });
  world.replica({ bus: Object.create(world.bus, { append: { value: append } }) as typeof world.bus });
  const edge = world.edge();
  await edge.reserve(reservation('a'));
  await edge.close(0);
  nowMs += LEASE_MS;
  await eventually(() => expect(world.logged('expired reservations cannot be recorded now')).toBe(1));
  away = false;
  // Whoever took it and did not report it recorded is taken for dead after half a minute.
  nowMs += 30_000;
  await eventually(() => expect(events().map(({ requestId }) => requestId)).toEqual(['a']));
  nowMs += 30_000;
  await pause(2 * LEASE_MS);
  expect(events()).toHaveLength(1);
  expect(world.logged('a call was never settled')).toBe(1);
});

/** Away, without anybody hearing of it but those who ask. */
class SilentQuota extends InMemoryQuota {
  silent = false;

  private answering<T>(answer: () => Promise<T>): Promise<T> {
    return this.silent ? Promise.reject(new Error('no answer')) : answer();
  }
  override renew = (...given: Parameters<InMemoryQuota['renew']>) => this.answering(() => super.renew(...given));
  override groups = () => this.answering(() => super.groups());
  override expire = (...given: Parameters<InMemoryQuota['expire']>) => this.answering(() => super.expire(...given));
}
