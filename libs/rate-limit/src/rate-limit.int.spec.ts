import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Bus, type Limiter, LimiterUnavailableError } from '@switchboard/contracts';
import {
  closeRedis,
  createLogger,
  createMetrics,
  type LocalServer,
  openNatsBus,
  openRedis,
  type Redis,
  startNats,
  startRedis,
} from '@switchboard/platform';
import { reservation, settlement } from './__fixtures__/reservation';
import { RedisReservations } from './adapters/redis-reservations';
import { createBusLimiter } from './client';
import { createRateLimit, type RateLimit } from './rate-limit';

jest.setTimeout(60_000);

const log = createLogger({ level: 'silent', name: 'test' });
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Replica {
  bus: Bus;
  redis: Redis;
  rateLimit: RateLimit;
  stop(): Promise<void>;
}

let folder: string;
let nats: LocalServer;
let redisServer: LocalServer;
let edge: Bus;
let limiter: Limiter;
const replicas = new Set<Replica>();

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'switchboard-rate-limit-'));
  [nats, redisServer] = await Promise.all([startNats({ folder, log }), startRedis({ folder, log })]);
});

afterAll(async () => {
  await Promise.all([nats.stop(), redisServer.stop()]);
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  edge = openNatsBus({ url: nats.url, name: 'edge', log });
  limiter = createBusLimiter({ bus: edge });
  await until(() => edge.connected);
});

afterEach(async () => {
  await Promise.all([...replicas].map((replica) => replica.stop()));
  await edge.close();
});

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it did not come about within 15 s');
    await pause(10);
  }
}

/** What a process of the service is: its own connections, and stopping in the order of one. */
async function start(): Promise<Replica> {
  const bus = openNatsBus({ url: nats.url, name: 'rate-limit', log });
  const redis = openRedis({ url: redisServer.url, log, name: 'rate-limit' });
  const reservations = new RedisReservations(redis);
  const rateLimit = createRateLimit({ bus, reservations, log, metrics: createMetrics() });
  const stop = async (): Promise<void> => {
    replicas.delete(replica);
    await rateLimit.close();
    await closeRedis(redis);
    await bus.close();
  };
  const replica: Replica = { bus, redis, rateLimit, stop };
  replicas.add(replica);
  await until(() => bus.connected && redis.status === 'ready');
  return replica;
}

let calls = 0;
const nextId = (): string => `req_${++calls}`;

async function took(work: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work;
  return performance.now() - startedAt;
}

/** Reserves and settles from 30 workers while `during` runs. @returns how many were admitted; rejects if any was not. */
async function underLoad(during: () => Promise<void>): Promise<number> {
  let running = true;
  let admitted = 0;
  const workers = Array.from({ length: 30 }, async () => {
    while (running) {
      const requestId = nextId();
      await limiter.reserve(reservation(requestId, 'key_load'));
      limiter.settle(settlement(requestId, 'key_load'));
      admitted++;
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
  return admitted;
}

test('both replicas in turn restart under load: no reservation fails, and none stays open', async () => {
  await start();
  await start();
  const admitted = await underLoad(async () => {
    for (const replica of [...replicas]) {
      await pause(200);
      await replica.stop();
      await pause(200);
      await start();
    }
    await pause(200);
  });
  expect(admitted).toBeGreaterThan(500);
  await until(async () => (await limiter.state({ keyId: 'key_load' })).open === 0);
});

test('the only replica restarts under load: no reservation fails', async () => {
  const only = await start();
  await underLoad(async () => {
    await pause(100);
    await only.stop();
    await start();
    await pause(200);
  });
});

test('Redis hangs: failures come within 1.2 s, the replica stays, and answers when Redis does', async () => {
  await start();
  await limiter.reserve(reservation(nextId()));
  process.kill(redisServer.pid, 'SIGSTOP');
  try {
    const ms = await took(expect(limiter.reserve(reservation(nextId()))).rejects.toThrow(LimiterUnavailableError));
    expect(ms).toBeLessThan(1_200);
  } finally {
    process.kill(redisServer.pid, 'SIGCONT');
  }
  await until(() => admitted());
});

test('Redis is gone: failures come at once; it comes back with what was open', async () => {
  await start();
  const open = nextId();
  await limiter.reserve(reservation(open, 'key_kept'));
  const { port } = redisServer;
  await redisServer.stop();
  await until(async () => !(await admitted()));
  for (let call = 0; call < 3; call++) {
    const ms = await took(expect(limiter.reserve(reservation(nextId()))).rejects.toThrow(LimiterUnavailableError));
    expect(ms).toBeLessThan(100);
  }
  redisServer = await startRedis({ folder, port, log });
  await until(() => admitted());
  expect((await limiter.state({ keyId: 'key_kept' })).open).toBe(1);
});

test('NATS is gone: refused after half a second once, then at once; and again admitted when it is back', async () => {
  await start();
  const { port } = nats;
  await nats.stop();
  await until(() => !edge.connected);
  const first = await took(expect(limiter.reserve(reservation(nextId()))).rejects.toThrow(LimiterUnavailableError));
  expect(first).toBeLessThan(900);
  const next = await took(expect(limiter.reserve(reservation(nextId()))).rejects.toThrow(LimiterUnavailableError));
  expect(next).toBeLessThan(50);
  nats = await startNats({ folder, port, log });
  await until(() => admitted());
});

async function admitted(): Promise<boolean> {
  try {
    await limiter.reserve(reservation(nextId()));
    return true;
  } catch (error) {
    if (error instanceof LimiterUnavailableError) return false;
    throw error;
  }
}
