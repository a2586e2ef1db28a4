import { LimiterUnavailableError, type ReservationRequest, type ScopeBudget, SUBJECTS } from '@switchboard/contracts';
import { RealWorld } from './__fixtures__/real-world';
import { bounds, reservation, settlement } from './__fixtures__/reservation';
import { eventually, pause, took } from './__fixtures__/waiting';
import type { BusLimiter } from './bus-limiter';

jest.setTimeout(60_000);

/** As the service has it. */
const REDIS_TIMEOUT_MS = 50;
/** With what a busy machine adds. */
const SOON_MS = 300;

let world: RealWorld;
let edge: BusLimiter;
let calls = 0;
let loaded = false;

beforeAll(async () => (world = await RealWorld.start()));
afterAll(() => world.stop());

beforeEach(async () => {
  await world.replica({ redisTimeoutMs: REDIS_TIMEOUT_MS });
  edge = await world.edge();
});

afterEach(() => {
  loaded = false;
  return world.clear();
});

const nextId = (): string => `call_${++calls}`;
const unbounded = () => reservation(nextId());
const unavailable = (call = unbounded()) => took(expect(edge.reserve(call)).rejects.toThrow(LimiterUnavailableError));
const admitted = async () => expect(await edge.reserve(unbounded())).toMatchObject({ outcome: 'granted' });

async function unavailableSoonThenAtOnce(): Promise<void> {
  const { group, scopes } = reservation('any');
  expect(await unavailable()).toBeLessThan(SOON_MS);
  const together = Array.from({ length: 20 }, () => unavailable());
  for (const ms of await Promise.all(together)) expect(ms).toBeLessThan(SOON_MS);
  for (let call = 0; call < 5; call++) expect(await unavailable()).toBeLessThan(SOON_MS);
  const state = expect(edge.state({ group, scopes })).rejects.toThrow(LimiterUnavailableError);
  expect(await took(state)).toBeLessThan(SOON_MS);
  const extension = expect(edge.extend(settlement(reservation('any')))).rejects.toThrow(LimiterUnavailableError);
  expect(await took(extension)).toBeLessThan(SOON_MS);
}

test('Redis is gone: every step is unavailable soon, and then at once; the limiter is back by itself', async () => {
  const open = unbounded();
  await edge.reserve(open);
  await world.stopRedis();
  await unavailableSoonThenAtOnce();
  await world.startRedis();
  await pause(2_000);
  await admitted();
  edge.settle(settlement(open));
  await eventually(async () => expect(await world.stateOf(bounds('key:key_1'))).toMatchObject({ open: 1 }));
});

test('Redis hangs: every step is unavailable soon, and then at once; what timed out does not stay open', async () => {
  const scopes = [bounds('key:hanging')];
  await admitted();
  process.kill(world.redis.pid, 'SIGSTOP');
  try {
    const late = Array.from({ length: 10 }, () => unavailable(reservation(nextId(), { scopes })));
    for (const ms of await Promise.all(late)) expect(ms).toBeLessThan(SOON_MS);
    await unavailableSoonThenAtOnce();
  } finally {
    process.kill(world.redis.pid, 'SIGCONT');
  }
  await pause(2_000);
  await admitted();
  await eventually(async () => expect(await world.stateOf(bounds('key:hanging'))).toMatchObject({ open: 0 }));
});

const budget: ScopeBudget = { id: 'budget', nanoUsd: 1_000, period: 'total' };

describe.each([
  ['with what it kept', false],
  ['without its data', true],
])('Redis restarts %s, under load', (_how, losesData) => {
  const paid = bounds(`key:paid-${losesData}`, { budgets: [budget] });
  const paying = () => reservation(nextId(), { scopes: [paid] });
  const money = async () => (await world.stateOf(paid))?.budgets[0];

  test('nobody with a budget is admitted before the ledger was asked, and edges had told what they hold', async () => {
    const other = await world.edge();
    const [first, second, ended, late] = [paying(), paying(), paying(), paying()];
    for (const call of [first, ended, late]) await edge.reserve(call);
    await other.reserve(second);
    await edge.extend({ ...settlement(first), nanoUsd: 150 });
    edge.settle(settlement(ended, { nanoUsd: 70 }));
    await eventually(async () => expect(await money()).toMatchObject({ spentNanoUsd: 70, heldNanoUsd: 450 }));
    const events = await eventsOf();
    await world.stopRedis({ losesData });
    const stopLoad = loadOn(other, paying, events);
    await pause(700);
    // Ends while Redis is away: the ledger knows it, and its settlement waits.
    edge.settle(settlement(late, { nanoUsd: 30 }));
    world.ledger.nanoUsd = 100;
    await pause(300);
    expect(events).not.toContain('granted');
    events.length = 0;
    await world.startRedis();
    await pause(2_000);
    expect(await other.reserve(paying())).toMatchObject({ outcome: 'denied', reason: 'held' });
    await stopLoad();
    // 100 are spent and 350 held: there is room for five more.
    expect(events.filter((event) => event === 'granted')).toHaveLength(5);
    expect(events.indexOf('recall')).toBeLessThan(events.indexOf('ledger'));
    expect(events.indexOf('ledger')).toBeLessThan(events.indexOf('granted'));
    expect(events).toContain('recall');
    expect(events.filter((event) => event.startsWith('failed'))).toEqual([]);
    expect(await money()).toMatchObject({ spentNanoUsd: 100, heldNanoUsd: 850 });
    edge.settle(settlement(first, { nanoUsd: 250 }));
    await eventually(async () => expect(await money()).toMatchObject({ spentNanoUsd: 350, heldNanoUsd: 600 }));
  });

  async function eventsOf(): Promise<string[]> {
    const events: string[] = [];
    (await world.bus()).subscribe(SUBJECTS.limiterRecall, () => void events.push('recall'));
    const { ledger } = world;
    const spent = ledger.spent.bind(ledger);
    ledger.spent = (request) => (events.push('ledger'), spent(request));
    await pause(50);
    return events;
  }
});

/** Calls with a budget and without, all the time; what is admitted stays open. @returns what ends it. */
function loadOn(limiter: BusLimiter, paying: () => ReservationRequest, events: string[]): () => Promise<void> {
  const call = async (request: ReservationRequest, granted: string): Promise<void> => {
    try {
      const { outcome } = await limiter.reserve(request);
      events.push(outcome === 'granted' ? granted : outcome);
    } catch (error) {
      events.push(error instanceof LimiterUnavailableError ? 'unavailable' : `failed: ${String(error)}`);
    }
  };
  const worker = async (request: () => ReservationRequest, granted: string): Promise<void> => {
    while (loaded) {
      await call(request(), granted);
      await pause(5);
    }
  };
  loaded = true;
  const workers = [worker(paying, 'granted'), worker(paying, 'granted'), worker(unbounded, 'granted free')];
  return async () => {
    loaded = false;
    await Promise.all(workers);
  };
}
