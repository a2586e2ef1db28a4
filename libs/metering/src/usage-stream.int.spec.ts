import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Bus, encodeJson, LedgerUnavailableError, STREAMS } from '@switchboard/contracts';
import {
  createLogger,
  createMetrics,
  createPool,
  type LocalServer,
  type Metrics,
  openNatsBus,
  type Pool,
  startNats,
} from '@switchboard/platform';
import { openTestDatabase, type TestDatabase } from './__fixtures__/database';
import { interruptible, type InterruptibleBus } from './__fixtures__/interruptible-bus';
import { event, ids } from './__fixtures__/usage-events';
import { metricOf, until } from './__fixtures__/waiting';
import { auditLedger } from './adapters/ledger-audit';
import { createSpendingPool } from './adapters/spending-sums';
import { createBusLedger, createUsagePublisher, usageBacklog, type UsagePublisher } from './client';
import { SpendingService } from './spending-service';
import { UsageConsumer } from './usage-consumer';

jest.setTimeout(120_000);

const logged: string[] = [];
const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void logged.push(line) });
const lines = (text: string): string[] => logged.filter((line) => line.includes(text));

let database: TestDatabase;
let folder: string;
let nats: LocalServer;
/** An edge and a metering service have a connection each. */
let edgeBus: Bus;
let meteringBus: InterruptibleBus;
let publisher: UsagePublisher;
let pool: Pool;
let consumer: UsageConsumer;
let metrics: Metrics;

beforeAll(async () => {
  database = await openTestDatabase(log);
});

afterAll(() => database.close());

beforeEach(async () => {
  await database.empty();
  folder = await mkdtemp(path.join(tmpdir(), 'switchboard-usage-stream-'));
  nats = await startNats({ folder, log });
  logged.length = 0;
  metrics = createMetrics();
  edgeBus = openNatsBus({ url: nats.url, name: 'edge', log });
  meteringBus = interruptible(openNatsBus({ url: nats.url, name: 'metering', log }));
  publisher = createUsagePublisher({ bus: edgeBus, log, metrics });
  pool = createPool({ url: database.url, log, connectionsMax: 2 });
  consumer = new UsageConsumer({ bus: meteringBus, pool, log, metrics });
});

afterEach(async () => {
  await publisher.close();
  await consumer.stop();
  await Promise.all([edgeBus.close(), meteringBus.close(), pool.end()]);
  await nats.stop('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

async function restart(whileAway: () => Promise<unknown>): Promise<void> {
  await nats.stop('SIGKILL');
  await whileAway();
  nats = await startNats({ folder, port: nats.port, log });
}

async function count(): Promise<unknown> {
  return (await database.sql('SELECT count(*)::int AS n FROM usage'))[0]?.['n'];
}

test('10,000 records through kills of NATS, of the database and lost acknowledgements: each is stored once', async () => {
  consumer.start();
  const all = ids(10_000);
  const publish = async (from: number, to: number): Promise<void> => {
    for (const id of all.slice(from, to)) {
      publisher.record(event(id));
      if (Number(id.slice(4)) % 100 === 0) await delay(10);
    }
  };
  await publish(0, 2_000);
  await until(async () => (await metricOf(metrics, 'usage_inserted_total')) > 0);
  await restart(() => publish(2_000, 4_000));
  await publish(4_000, 5_000);
  await database.kill();
  await publish(5_000, 7_000);
  meteringBus.losesAcknowledgements = 2;
  await publish(7_000, 8_000);
  await Promise.all([restart(() => publish(8_000, 9_000)), database.kill()]);
  await publish(9_000, 10_000);
  expect(await publisher.drain(20_000)).toBe(0);
  await until(async () => (await count()) === all.length, 60_000);
  await until(async () => (await usageBacklog({ bus: edgeBus })).unacknowledged === 0, 60_000);
  expect(await usageBacklog({ bus: edgeBus })).toMatchObject({ pending: 0, unacknowledged: 0 });
  expect((await database.stored()).sort()).toEqual(all.sort());
  expect(await metricOf(metrics, 'usage_dropped_total')).toBe(0);
  expect(await metricOf(metrics, 'usage_duplicates_total')).toBeGreaterThan(0);
  expect(await auditLedger({ url: database.url, log })).toMatchObject({
    breachCount: 0,
    counts: { usageRows: 10_000 },
  });
});

test('every message over NATS twice, orphans after and before their exact figures: each call is in the books once', async () => {
  const orphan = (id: string) => event(id, { accuracy: 'orphaned', costNanoUsd: 900 });
  const events = ids(600).flatMap((id, index) => {
    const exact = event(id, { costNanoUsd: 7 });
    return index % 2 === 0 ? [orphan(id), exact] : [exact, orphan(id)];
  });
  const messages = Array.from({ length: 40 }, (_, index) =>
    encodeJson({ events: events.filter((_each, at) => at % 40 === index) }),
  );
  const backlog = () => usageBacklog({ bus: edgeBus });
  await until(() => edgeBus.connected);
  consumer.start();
  for (const message of messages) await edgeBus.append(STREAMS.usage, message, randomUUID());
  await until(async () => (await backlog()).acknowledgedSequence === 40, 30_000);
  for (const message of messages) await edgeBus.append(STREAMS.usage, message, randomUUID());
  await until(async () => (await backlog()).acknowledgedSequence === 80, 30_000);
  expect(await auditLedger({ url: database.url, log })).toMatchObject({ breachCount: 0 });
  const balance = `SELECT sum(amount_nano_usd)::int AS sum FROM ledger_entries WHERE account_id = 'tenant:acme'`;
  expect(await database.sql(balance)).toEqual([{ sum: -4_200 }]);
});

test('NATS away from the start: records wait in memory, and are stored once it is there', async () => {
  await restart(async () => {
    consumer.start();
    for (const id of ids(1_000)) publisher.record(event(id));
    await delay(500);
    expect(publisher.buffered).toBe(1_000);
  });
  await until(() => publisher.buffered === 0, 20_000);
  await until(async () => (await count()) === 1_000);
  expect(lines('cannot be published')).toHaveLength(1);
  expect(lines('are published again')).toHaveLength(1);
});

test('a stream that was wiped while NATS was away costs nothing that was not yet confirmed', async () => {
  consumer.start();
  publisher.record(event('req_first'));
  await until(async () => (await count()) === 1);
  await restart(async () => {
    for (const id of ids(500)) publisher.record(event(id));
    await rm(path.join(folder, 'nats'), { recursive: true });
  });
  await until(async () => (await count()) === 501, 30_000);
  expect(publisher.buffered).toBe(0);
});

test('a drain at the end puts everything into the stream, and the consumer finds it there later', async () => {
  for (const id of ids(3_000)) publisher.record(event(id));
  expect(await publisher.drain(10_000)).toBe(0);
  await publisher.close();
  await edgeBus.close();
  await restart(() => Promise.resolve());
  consumer.start();
  await until(async () => (await count()) === 3_000);
});

test('a drain while NATS is away ends in time, and what it leaves is in the log', async () => {
  await nats.stop('SIGKILL');
  for (const id of ids(3)) publisher.record(event(id));
  expect(await publisher.drain(500)).toBe(3);
  expect(lines('could not be stored in time')).toHaveLength(3);
});

test('how far metering is behind is in the metrics', async () => {
  for (const id of ids(400)) publisher.record(event(id));
  expect(await publisher.drain(10_000)).toBe(0);
  meteringBus.losesAcknowledgements = Infinity;
  consumer.start();
  await until(async () => (await metricOf(metrics, 'usage_backlog')) === 2);
  meteringBus.losesAcknowledgements = 0;
  await until(async () => (await metricOf(metrics, 'usage_backlog')) === 0, 20_000);
});

test('what was spent is told with all that was published before, or not at all', async () => {
  const ledger = createBusLedger({ bus: edgeBus });
  const spendingPool = createSpendingPool({ url: database.url, log });
  const spending = new SpendingService({ bus: meteringBus, pool: spendingPool });
  spending.start();
  const acme = { tenantId: 'acme', fromMs: 0 };
  await until(async () => (await ledger.spent(acme).catch(() => undefined))?.nanoUsd === 0);
  const publish = async (records: string[]): Promise<void> => {
    for (const id of records) publisher.record(event(id, { costNanoUsd: 1 }));
    expect(await publisher.drain(10_000)).toBe(0);
  };
  const all = ids(5_000);
  await publish(all.slice(0, 3_000));
  await expect(ledger.spent(acme)).rejects.toThrow('the ledger is 15 messages behind');
  consumer.start();
  meteringBus.losesAcknowledgements = 1;
  await publish(all.slice(3_000, 4_000));
  // Not at all, while a machine with much else to do is behind: then it is asked again.
  const told = (): Promise<{ nanoUsd: number } | undefined> =>
    ledger.spent(acme).catch((error: unknown) => {
      if (error instanceof LedgerUnavailableError) return undefined;
      throw error;
    });
  let spent: { nanoUsd: number } | undefined;
  await until(async () => (spent = await told()) !== undefined, 20_000);
  expect(spent).toEqual({ nanoUsd: 4_000 });
  const short: Promise<number | undefined>[] = [];
  for (const [index, id] of Array.from({ length: 300 }, (_, index) => `more_${index}`).entries()) {
    const payload = encodeJson({ events: [event(id, { costNanoUsd: 1 })] });
    await edgeBus.append(STREAMS.usage, payload, id);
    short.push(told().then((answer) => answer && 4_001 + index - answer.nanoUsd));
  }
  const answered = (await Promise.all(short)).filter((missing) => missing !== undefined);
  expect(answered.length).toBeGreaterThan(0);
  expect(Math.max(...answered)).toBeLessThanOrEqual(0);
  await consumer.stop();
  await publish(all.slice(4_000));
  await expect(ledger.spent(acme)).rejects.toThrow(LedgerUnavailableError);
  await restart(() => expect(ledger.spent(acme)).rejects.toThrow(LedgerUnavailableError));
  const next = new UsageConsumer({ bus: meteringBus, pool, log, metrics: createMetrics() });
  next.start();
  await until(async () => (await ledger.spent(acme).catch(() => undefined))?.nanoUsd === 5_300, 30_000);
  await Promise.all([next.stop(), spending.stop()]);
  await spendingPool.end();
});
