import { type Bus, parseUsageBatch, type ScopeBudget, STREAMS, type UsageBatchReading } from '@switchboard/contracts';
import { RealWorld } from './__fixtures__/real-world';
import { bounds, reservation, settlement } from './__fixtures__/reservation';
import { eventually, pause } from './__fixtures__/waiting';

jest.setTimeout(60_000);

const LEASE_MS = 2_000;

let world: RealWorld;
let bus: Bus;
let readings: UsageBatchReading[];
let tests = 0;

beforeAll(async () => (world = await RealWorld.start()));
afterAll(() => world.stop());

beforeEach(async () => {
  readings = [];
  bus = await world.bus();
  bus.consume(STREAMS.usage, `test-${++tests}`, { sizeMax: 10, waitMs: 1 }, (messages) => {
    readings.push(...messages.map(({ payload }) => parseUsageBatch(payload)));
    return Promise.resolve();
  });
  for (let replica = 0; replica < 3; replica++) await world.replica({ leaseMs: LEASE_MS });
});

afterEach(() => world.clear());

const elastic = { inputTokens: 10, outputTokens: { least: 5, most: 80 }, nanoUsd: 100 };
const budget: ScopeBudget = { id: 'budget', nanoUsd: 1_000, period: 'total' };
const boundsOf = (requestId: string) => bounds(`key:${requestId}`, { limits: { otpm: 60 }, budgets: [budget] });
const callOf = (requestId: string) => reservation(requestId, { scopes: [boundsOf(requestId)], amounts: elastic });
/** The stream keeps those of earlier tests. */
const recorded = (requestId: string) =>
  readings.flatMap(({ events }) => events).filter((event) => event.requestId === requestId);
const stateOf = (requestId: string) => world.stateOf(boundsOf(requestId));
const openCalls = async (requestId: string) => (await stateOf(requestId))?.open;

test('edges that die leave one record for each call, of what it held, however many replicas sweep', async () => {
  const [dying, living] = [await world.edge(), await world.edge()];
  const names = Array.from({ length: 30 }, (_, index) => `dead-${index}`);
  await Promise.all(names.map((name) => dying.reserve(callOf(name))));
  await dying.extend({ ...settlement(callOf('dead-0')), nanoUsd: 11 });
  await living.reserve(callOf('living'));
  await dying.close(0);
  await eventually(() => expect(names.filter((name) => recorded(name).length === 0)).toEqual([]));
  await pause(2 * LEASE_MS);
  expect(readings.flatMap(({ faults }) => faults)).toEqual([]);
  for (const name of names) {
    const costNanoUsd = name === 'dead-0' ? 111 : 100;
    const usage = { inputTokens: 10, outputTokens: 60 };
    expect(recorded(name)).toMatchObject([{ accuracy: 'orphaned', finish: 'orphaned', costNanoUsd, usage }]);
    const budgets = [{ spentNanoUsd: costNanoUsd, heldNanoUsd: 0 }];
    expect(await stateOf(name)).toMatchObject({ open: 0, budgets });
  }
  expect(await openCalls('living')).toBe(1);
  expect(recorded('living')).toEqual([]);
});

test('a bus that was away longer than a lease costs no call that goes on its place', async () => {
  const edge = await world.edge();
  await edge.reserve(callOf('over-nats'));
  await world.nats.stop();
  await pause(1.5 * LEASE_MS);
  await world.startNats();
  await pause(2 * LEASE_MS);
  expect(await openCalls('over-nats')).toBe(1);
  await eventually(() => expect(bus.connected).toBe(true));
  expect(recorded('over-nats')).toEqual([]);
  edge.settle(settlement(callOf('over-nats')));
  await eventually(async () => expect(await openCalls('over-nats')).toBe(0));
});

test.each([
  ['gone', () => world.stopRedis(), () => world.startRedis()],
  [
    'silent',
    () => Promise.resolve(process.kill(world.redis.pid, 'SIGSTOP')),
    () => Promise.resolve(process.kill(world.redis.pid, 'SIGCONT')),
  ],
])('a store that was %s longer than a lease costs no call that goes on its place', async (how, stop, start) => {
  const edge = await world.edge();
  const name = `over-redis-${how}`;
  await edge.reserve(callOf(name));
  await stop();
  await pause(1.5 * LEASE_MS);
  await start();
  await pause(2 * LEASE_MS);
  expect(await openCalls(name)).toBe(1);
  expect(recorded(name)).toEqual([]);
});

test('nobody is made an orphan within one lease after the store came back', async () => {
  const edge = await world.edge();
  await edge.reserve(callOf('dead-meanwhile'));
  await edge.close(0);
  await world.stopRedis();
  await pause(1.5 * LEASE_MS);
  await world.startRedis();
  const backAtMs = performance.now();
  await eventually(() => expect(recorded('dead-meanwhile')).toHaveLength(1));
  expect(performance.now() - backAtMs).toBeGreaterThan(LEASE_MS - 100);
});
