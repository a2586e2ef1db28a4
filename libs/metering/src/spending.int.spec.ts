import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import {
  type Bus,
  encodeJson,
  type Ledger,
  LedgerUnavailableError,
  RemoteError,
  STREAMS,
  SUBJECTS,
  type UsageRecordedV1,
} from '@switchboard/contracts';
import { createLocalBus, createLogger, createMetrics, createPool, type Pool } from '@switchboard/platform';
import { openTestDatabase, type TestDatabase } from './__fixtures__/database';
import { event, ids } from './__fixtures__/usage-events';
import { until } from './__fixtures__/waiting';
import { createSpendingPool, SpendingSums } from './adapters/spending-sums';
import { createBusLedger } from './client';
import { createMetering, type Metering } from './metering';
import { MeteringConsumerModule } from './metering-consumer.module';
import { SpendingService } from './spending-service';
import { UsageConsumer } from './usage-consumer';

jest.setTimeout(60_000);

const log = createLogger({ level: 'silent', name: 'test' });
const NOWHERE = 'postgresql://nobody:x@127.0.0.1:1/none';
const NOON_MS = Date.parse('2026-11-20T12:00:00.000Z');
const ACME = { tenantId: 'acme', fromMs: 0 };

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase(log);
});

afterAll(() => database.close());

beforeEach(() => database.empty());

/** One record in one message of the stream. */
const publish = (bus: Bus, record: UsageRecordedV1): Promise<void> =>
  bus.append(STREAMS.usage, encodeJson({ events: [record] }), randomUUID());

describe('over the bus', () => {
  let bus: Bus;
  let ledger: Ledger;
  let pools: Pool[];
  let running: { stop(): Promise<void> }[];

  beforeEach(() => {
    bus = createLocalBus({ log });
    ledger = createBusLedger({ bus });
    pools = [];
    running = [];
  });

  afterEach(async () => {
    await Promise.all(running.map((each) => each.stop()));
    await Promise.all(pools.map((pool) => pool.end()));
    await bus.close();
  });

  function consume(): UsageConsumer {
    const pool = createPool({ url: database.url, log, connectionsMax: 2 });
    const consumer = new UsageConsumer({ bus, pool, log, metrics: createMetrics() });
    pools.push(pool);
    running.push(consumer);
    consumer.start();
    return consumer;
  }

  function answer(url = database.url): SpendingService {
    const pool = createSpendingPool({ url, log });
    const service = new SpendingService({ bus, pool });
    pools.push(pool);
    running.push(service);
    service.start();
    return service;
  }

  test('the answer sums what a tenant, or one of its keys, spent on calls from that moment on, and nothing else', async () => {
    consume();
    answer();
    const rows: Partial<UsageRecordedV1>[] = [
      { startedAtMs: NOON_MS - 1, costNanoUsd: 1 },
      { startedAtMs: NOON_MS, costNanoUsd: 10 },
      { startedAtMs: NOON_MS + 1, keyId: 'key_2', costNanoUsd: 100 },
      { startedAtMs: NOON_MS + 86_400_000, costNanoUsd: 1_000, accuracy: 'orphaned' },
      { startedAtMs: NOON_MS, tenantId: 'other', costNanoUsd: 10_000 },
    ];
    for (const [index, row] of rows.entries()) await publish(bus, event(`req_${index}`, row));
    const spent = async (tenantId: string, fromMs: number, keyId?: string): Promise<number> =>
      (await ledger.spent({ tenantId, fromMs, ...(keyId === undefined ? {} : { keyId }) })).nanoUsd;
    expect(await spent('acme', 0)).toBe(1_111);
    expect(await spent('acme', NOON_MS)).toBe(1_110);
    expect(await spent('acme', NOON_MS + 1)).toBe(1_100);
    expect(await spent('acme', NOON_MS, 'key_1')).toBe(1_010);
    expect(await spent('acme', 0, 'key_2')).toBe(100);
    expect(await spent('other', 0)).toBe(10_000);
    expect(await spent('other', 0, 'key_2')).toBe(0);
    expect(await spent('nobody', 0)).toBe(0);
  });

  test('what still waits in the stream when asked is in the answer', async () => {
    answer();
    for (const id of ids(300)) await publish(bus, event(id, { costNanoUsd: 1 }));
    const asked = ledger.spent(ACME);
    consume();
    expect(await asked).toEqual({ nanoUsd: 300 });
  });

  test('of many who ask at once while usage comes in, each hears of all that was published before it asked', async () => {
    consume();
    answer();
    const answers: Promise<{ published: number; nanoUsd: number }>[] = [];
    for (const [index, id] of ids(1_000).entries()) {
      await publish(bus, event(id, { costNanoUsd: 1 }));
      answers.push(ledger.spent(ACME).then(({ nanoUsd }) => ({ published: index + 1, nanoUsd })));
      if (index % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const { published, nanoUsd } of await Promise.all(answers)) expect(nanoUsd).toBeGreaterThanOrEqual(published);
  });

  test('while nobody stores the stream the question fails, and says how far the ledger is behind', async () => {
    const consumer = consume();
    answer();
    await publish(bus, event('req_0'));
    expect(await ledger.spent(ACME)).toEqual({ nanoUsd: 330_000 });
    await consumer.stop();
    for (const id of ['req_1', 'req_2', 'req_3']) await publish(bus, event(id));
    const startedAt = performance.now();
    const asked = ledger.spent(ACME);
    await expect(asked).rejects.toThrow(LedgerUnavailableError);
    await expect(asked).rejects.toThrow('the ledger is 3 messages behind');
    expect(performance.now() - startedAt).toBeLessThan(2_400);
    consume();
    expect(await ledger.spent(ACME)).toEqual({ nanoUsd: 4 * 330_000 });
  });

  test('without Postgres the question fails', async () => {
    answer(NOWHERE);
    const asked = ledger.spent(ACME);
    await expect(asked).rejects.toThrow(LedgerUnavailableError);
    await expect(asked).rejects.toThrow(/^the ledger cannot be read: .*ECONNREFUSED/);
  });

  test('through a crash of Postgres each question fails or has the right answer, and once it is back all have', async () => {
    consume();
    answer();
    await publish(bus, event('req_0'));
    const ask = async (): Promise<number | undefined> => {
      try {
        return (await ledger.spent(ACME)).nanoUsd;
      } catch (error) {
        expect(error).toBeInstanceOf(LedgerUnavailableError);
        return undefined;
      }
    };
    const heard: (number | undefined)[] = [await ask()];
    await database.kill();
    await until(async () => heard.push(await ask()) > 0 && heard.at(-1) === undefined);
    await until(async () => heard.push(await ask()) > 0 && heard.at(-1) !== undefined);
    expect(new Set(heard)).toEqual(new Set([330_000, undefined]));
  });

  test('without metering, or after its stop, the question fails at once', async () => {
    await expect(ledger.spent(ACME)).rejects.toThrow(LedgerUnavailableError);
    const service = answer();
    expect(await ledger.spent(ACME)).toEqual({ nanoUsd: 0 });
    await service.stop();
    service.start();
    await expect(ledger.spent(ACME)).rejects.toThrow('nobody serves');
  });

  test('a stop lets the questions in hand be answered', async () => {
    const service = answer();
    await publish(bus, event('req_0'));
    const asked = ledger.spent(ACME);
    await new Promise((resolve) => setImmediate(resolve));
    consume();
    await service.stop();
    expect(await asked).toEqual({ nanoUsd: 330_000 });
  });

  test.each([
    ['no JSON', Buffer.from('no JSON')],
    ['no tenant', encodeJson({ fromMs: 0 })],
    ['no time', encodeJson({ tenantId: 'acme', fromMs: -1 })],
  ])('a question with %s is refused', async (_fault, payload) => {
    answer();
    await expect(bus.request(SUBJECTS.spending, payload, { timeoutMs: 2_000 })).rejects.toThrow(RemoteError);
  });

  test('an answer that holds no amount is no answer', async () => {
    bus.serve(SUBJECTS.spending, 'metering', () => Promise.resolve(encodeJson({ nanoUsd: null })));
    await expect(ledger.spent(ACME)).rejects.toThrow(LedgerUnavailableError);
  });

  test('metering answers as soon as the schema stands, and no longer once it ends', async () => {
    const options = { bus, databaseUrl: database.url, log, metrics: createMetrics() };
    const app = await NestFactory.createApplicationContext(MeteringConsumerModule.forRoot(options), { logger: false });
    await publish(bus, event('req_0'));
    await until(async () => (await ledger.spent(ACME).catch(() => undefined))?.nanoUsd === 330_000);
    await app.close();
    await expect(ledger.spent(ACME)).rejects.toThrow('nobody serves');
  });
});

describe('sums', () => {
  let pool: Pool;
  let metering: Metering;
  let sums: SpendingSums;

  beforeEach(() => {
    pool = createSpendingPool({ url: database.url, log });
    sums = new SpendingSums(pool);
    metering = createMetering({ databaseUrl: database.url, logger: log, metrics: createMetrics() });
  });

  afterEach(() => Promise.all([pool.end(), metering.close()]));

  test('are exact to the last nano-USD, and beyond what a number holds exactly there is none', async () => {
    metering.store.record(event('req_0', { costNanoUsd: 2 ** 52 }));
    metering.store.record(event('req_1', { costNanoUsd: 2 ** 52 - 1 }));
    await metering.store.drain(5_000);
    expect(await sums.sum(ACME)).toBe(Number.MAX_SAFE_INTEGER);
    metering.store.record(event('req_2', { costNanoUsd: 1 }));
    await metering.store.drain(5_000);
    const beyond = sums.sum(ACME);
    await expect(beyond).rejects.toThrow(LedgerUnavailableError);
    await expect(beyond).rejects.toThrow('9007199254740992 nano-USD');
    metering.store.record(event('req_3', { costNanoUsd: 2 ** 53 - 1 }));
    metering.store.record(event('req_4', { keyId: 'key_2', costNanoUsd: 7 }));
    await metering.store.drain(5_000);
    expect(await sums.sum({ ...ACME, keyId: 'key_2' })).toBe(7);
  });

  test('those who ask the same while the connection is taken share one query; other questions have their own', async () => {
    metering.store.record(event('req_0', { costNanoUsd: 5 }));
    await metering.store.drain(5_000);
    const taken = await pool.connect();
    const same = Array.from({ length: 50 }, () => sums.sum({ tenantId: 'acme', fromMs: 0 }));
    const others = [sums.sum({ ...ACME, keyId: 'key_2' }), sums.sum({ ...ACME, fromMs: 1 })];
    expect(pool.waitingCount).toBe(3);
    taken.release();
    expect(new Set(await Promise.all(same))).toEqual(new Set([5]));
    expect(await Promise.all(others)).toEqual([0, 5]);
  });

  test('a failure is not kept: who asks after it has a query of its own', async () => {
    const taken = await pool.connect();
    const failed = sums.sum(ACME);
    await database.kill();
    taken.release(true);
    await expect(failed).rejects.toThrow(LedgerUnavailableError);
    await until(async () => (await sums.sum(ACME).catch(() => undefined)) === 0);
  });
});
