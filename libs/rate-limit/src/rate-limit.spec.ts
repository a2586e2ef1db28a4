import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import {
  type Bus,
  encodeJson,
  type Limiter,
  LimiterUnavailableError,
  RemoteError,
  SUBJECTS,
} from '@switchboard/contracts';
import { createLocalBus, createLogger, createMetrics, type Metrics } from '@switchboard/platform';
import { reservation, settlement } from './__fixtures__/reservation';
import { createBusLimiter, createLocalLimiter } from './client';
import { InMemoryReservations } from './core/in-memory-reservations';
import type { Reservations } from './core/reservations';
import { createRateLimit, type RateLimit } from './rate-limit';
import { RateLimitModule } from './rate-limit.module';

let lines: string[];
const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void lines.push(line) });
const quiet = createLogger({ level: 'silent', name: 'test' });

let bus: Bus;
let reservations: Reservations;
let metrics: Metrics;
let replicas: RateLimit[];
let limiter: Limiter;

beforeEach(() => {
  lines = [];
  bus = createLocalBus({ log: quiet });
  reservations = new InMemoryReservations();
  metrics = createMetrics();
  replicas = [];
  limiter = createBusLimiter({ bus });
});

afterEach(async () => {
  await Promise.all(replicas.map((replica) => replica.close()));
  await bus.close();
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function start(store: Reservations = reservations): RateLimit {
  const replica = createRateLimit({
    bus,
    reservations: store,
    log,
    metrics: replicas.length === 0 ? metrics : createMetrics(),
  });
  replicas.push(replica);
  return replica;
}

async function took(work: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work;
  return performance.now() - startedAt;
}

const away: Reservations = {
  reserve: () => Promise.reject(new Error('redis is away')),
  settle: () => Promise.reject(new Error('redis is away')),
  state: () => Promise.reject(new Error('redis is away')),
};

async function eventually(check: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + 2_000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await pause(2);
    }
  }
}

test('a call is admitted, is open until settled, and its key says so', async () => {
  start();
  expect(await limiter.reserve(reservation('a'))).toEqual({ outcome: 'admitted' });
  expect(await limiter.state({ keyId: 'key_1' })).toEqual({ open: 1, requestsThisMinute: 1 });
  limiter.settle(settlement('a'));
  await eventually(async () => expect((await limiter.state({ keyId: 'key_1' })).open).toBe(0));
});

test('a settlement that two replicas hear counts once', async () => {
  start();
  start();
  await limiter.reserve(reservation('a'));
  await limiter.reserve(reservation('b'));
  limiter.settle(settlement('a'));
  await eventually(async () => expect((await limiter.state({ keyId: 'key_1' })).open).toBe(1));
  await pause(20);
  expect((await limiter.state({ keyId: 'key_1' })).open).toBe(1);
});

test('a store that is away is an unavailable limiter, told at once; settlements are lost with one line', async () => {
  start(away);
  expect(await took(expect(limiter.reserve(reservation('a'))).rejects.toThrow(LimiterUnavailableError))).toBeLessThan(
    100,
  );
  await expect(limiter.state({ keyId: 'key_1' })).rejects.toThrow(LimiterUnavailableError);
  for (const requestId of ['a', 'b', 'c']) limiter.settle(settlement(requestId));
  await pause(20);
  expect(lines.filter((line) => line.includes('cannot be settled'))).toHaveLength(1);
});

test('what is no reservation is refused', async () => {
  start();
  for (const nonsense of [{}, { requestId: 'a' }, { requestId: '', keyId: 'k' }, { requestId: 7, keyId: 'k' }]) {
    await expect(bus.request(SUBJECTS.reserve, encodeJson(nonsense), { timeoutMs: 500 })).rejects.toThrow(RemoteError);
  }
});

test('nobody there is found out within about half a second, and then costs no time', async () => {
  const first = await took(expect(limiter.reserve(reservation('a'))).rejects.toThrow(LimiterUnavailableError));
  expect(first).toBeGreaterThan(450);
  expect(first).toBeLessThan(900);
  const next = await took(expect(limiter.reserve(reservation('b'))).rejects.toThrow(LimiterUnavailableError));
  expect(next).toBeLessThan(50);
  start();
  expect(await limiter.reserve(reservation('c'))).toEqual({ outcome: 'admitted' });
});

test('a single replica that restarts is not seen', async () => {
  const only = start();
  await limiter.reserve(reservation('a'));
  await only.close();
  setTimeout(() => start(), 300);
  const replies = await Promise.all(['b', 'c', 'd'].map((requestId) => limiter.reserve(reservation(requestId))));
  expect(replies).toHaveLength(3);
  expect((await reservations.state('key_1')).open).toBe(4);
});

test('of two replicas either may stop under load: no reservation fails', async () => {
  start();
  start();
  let running = true;
  let admitted = 0;
  const load = Array.from({ length: 20 }, async (_, worker) => {
    for (let call = 0; running; call++) {
      await limiter.reserve(reservation(`${worker}-${call}`));
      limiter.settle(settlement(`${worker}-${call}`));
      admitted++;
      await pause(1);
    }
  });
  for (const replica of [...replicas]) {
    await pause(100);
    await replica.close();
    await pause(50);
    start();
  }
  await pause(100);
  running = false;
  await Promise.all(load);
  expect(admitted).toBeGreaterThan(100);
  await eventually(async () => expect((await reservations.state('key_1')).open).toBe(0));
});

test('a silent limiter is waited for once; whoever asks right after is told at once', async () => {
  limiter = createBusLimiter({ bus, timeoutMs: 100 });
  const silent = bus.serve(
    SUBJECTS.reserve,
    'rate-limit',
    () => new Promise((resolve) => setTimeout(resolve, 200, Buffer.from('{}'))),
  );
  expect(await took(expect(limiter.reserve(reservation('a'))).rejects.toThrow('no answer'))).toBeGreaterThan(90);
  expect(await took(expect(limiter.reserve(reservation('b'))).rejects.toThrow('does not answer'))).toBeLessThan(50);
  await silent.stop();
});

test('a reservation that was recorded too late for its caller does not stay open', async () => {
  limiter = createBusLimiter({ bus, timeoutMs: 50 });
  const slow: Reservations = {
    reserve: async (request) => (await pause(100), reservations.reserve(request)),
    settle: (given) => reservations.settle(given),
    state: (keyId) => reservations.state(keyId),
  };
  start(slow);
  await expect(limiter.reserve(reservation('a'))).rejects.toThrow(LimiterUnavailableError);
  await pause(120);
  expect((await reservations.state('key_1')).open).toBe(0);
});

test('without the bus there is the same limiter', async () => {
  const local = createLocalLimiter(reservations, log);
  expect(await local.reserve(reservation('a'))).toEqual({ outcome: 'admitted' });
  expect(await local.state({ keyId: 'key_1' })).toEqual({ open: 1, requestsThisMinute: 1 });
  local.settle(settlement('a'));
  expect((await local.state({ keyId: 'key_1' })).open).toBe(0);
  const broken = createLocalLimiter(away, log);
  await expect(broken.reserve(reservation('a'))).rejects.toThrow(LimiterUnavailableError);
  await expect(broken.state({ keyId: 'key_1' })).rejects.toThrow(LimiterUnavailableError);
  broken.settle(settlement('a'));
  await pause(5);
  expect(lines.join('')).toContain('could not be settled');
});

test('the metrics tell outcomes, what is open, and how long the store took', async () => {
  start();
  for (const requestId of ['a', 'b', 'a']) await limiter.reserve(reservation(requestId));
  limiter.settle(settlement('a'));
  limiter.settle(settlement('never'));
  await pause(20);
  const exposition = await metrics.registry.metrics();
  expect(exposition).toContain('switchboard_rate_limit_reservations_total{outcome="recorded"} 2');
  expect(exposition).toContain('switchboard_rate_limit_reservations_total{outcome="repeated"} 1');
  expect(exposition).toContain('switchboard_rate_limit_settlements_total{outcome="settled"} 1');
  expect(exposition).toContain('switchboard_rate_limit_settlements_total{outcome="unknown"} 1');
  expect(exposition).toContain('switchboard_rate_limit_open_reservations 1');
  expect(exposition).toContain('switchboard_rate_limit_store_seconds_count{operation="reserve"} 3');
});

test('the module serves as long as its host', async () => {
  const module = RateLimitModule.forRoot({ bus, reservations, log, metrics });
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  expect(await limiter.reserve(reservation('a'))).toEqual({ outcome: 'admitted' });
  await app.close();
  await expect(bus.request(SUBJECTS.reserve, encodeJson(reservation('b')), { timeoutMs: 100 })).rejects.toThrow(
    'nobody',
  );
});
