import { LimiterUnavailableError } from '@switchboard/contracts';
import { RealWorld } from './__fixtures__/real-world';
import { bounds, reservation, settlement } from './__fixtures__/reservation';
import { eventually, pause, took } from './__fixtures__/waiting';
import type { BusLimiter } from './bus-limiter';
import type { Quota } from './core/quota';

jest.setTimeout(60_000);

let world: RealWorld;
let edge: BusLimiter;
let calls = 0;

beforeAll(async () => (world = await RealWorld.start()));
afterAll(() => world.stop());
beforeEach(async () => (edge = await world.edge()));
afterEach(() => world.clear());

const callOf = (key: string) => reservation(`call_${++calls}`, { scopes: [bounds(`key:${key}`)] });
const open = async (key: string) => (await world.stateOf(bounds(`key:${key}`)))?.open;
const noneOpen = (key: string) => eventually(async () => expect(await open(key)).toBe(0));

/** Reserves and settles from 30 workers while `during` runs. @returns how many were granted; rejects if any was not. */
async function underLoad(key: string, during: () => Promise<void>): Promise<number> {
  let running = true;
  let granted = 0;
  const workers = Array.from({ length: 30 }, async () => {
    while (running) {
      const call = callOf(key);
      await edge.reserve(call);
      edge.settle(settlement(call));
      granted++;
      await pause(2);
    }
  });
  const all = Promise.all(workers);
  try {
    await Promise.race([during(), all]);
  } finally {
    running = false;
  }
  await all;
  return granted;
}

test('both replicas in turn restart under load: no reservation fails, and none stays open', async () => {
  await world.replica();
  await world.replica();
  const granted = await underLoad('both', async () => {
    for (const replica of [...world.replicas]) {
      await pause(200);
      await replica.stop();
      await pause(200);
      await world.replica();
    }
    await pause(200);
  });
  expect(granted).toBeGreaterThan(100);
  await noneOpen('both');
});

test('the only replica restarts under load: no reservation fails, and none stays open', async () => {
  const only = await world.replica();
  await underLoad('only', async () => {
    await pause(100);
    await only.stop();
    await world.replica();
    await pause(200);
  });
  await noneOpen('only');
});

test('NATS is gone: refused after half a second once, then at once; and admitted again when it is back', async () => {
  await world.replica();
  await edge.reserve(callOf('nats'));
  await world.nats.stop();
  const refused = () => took(expect(edge.reserve(callOf('nats'))).rejects.toThrow(LimiterUnavailableError));
  expect(await refused()).toBeLessThan(900);
  expect(await refused()).toBeLessThan(200);
  await world.startNats();
  await eventually(async () => expect(await edge.reserve(callOf('nats'))).toMatchObject({ outcome: 'granted' }));
});

test('a call whose answer went with the connection does not stay open', async () => {
  const reserved: string[] = [];
  await world.replica({ wrap: (quota) => slowly(quota, reserved) });
  const refused = expect(edge.reserve(callOf('lost'))).rejects.toThrow(LimiterUnavailableError);
  await pause(150);
  await world.nats.stop('SIGKILL');
  await refused;
  await eventually(() => expect(reserved).toHaveLength(1));
  expect(await open('lost')).toBe(1);
  await world.startNats();
  await noneOpen('lost');
  expect(reserved).toHaveLength(1);
});

test('an edge that was cut off tells what it holds as soon as it is back', async () => {
  const replica = await world.replica();
  await edge.reserve(callOf('cut-off'));
  await world.nats.stop();
  await replica.redis.flushall();
  expect(await open('cut-off')).toBe(0);
  await world.startNats();
  await eventually(async () => expect(await open('cut-off')).toBe(1), 8_000);
});

/** Takes its time to record. */
function slowly(quota: Quota, reserved: string[]): Quota {
  const reserve: Quota['reserve'] = async (request) => {
    await pause(400);
    const reply = await quota.reserve(request);
    reserved.push(request.requestId);
    return reply;
  };
  return { ...quota, reserve };
}
