import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  encodeJson,
  InvalidCursorError,
  type RefusedUsage,
  STREAMS,
  type UsageRecordedV1,
} from '@switchboard/contracts';
import {
  createLocalBus,
  createLogger,
  createMetrics,
  createPool,
  type Metrics,
  type Pool,
} from '@switchboard/platform';
import { openTestDatabase, type TestDatabase } from './__fixtures__/database';
import { interruptible, type InterruptibleBus } from './__fixtures__/interruptible-bus';
import { event, ids } from './__fixtures__/usage-events';
import { metricOf, until } from './__fixtures__/waiting';
import { auditLedger } from './adapters/ledger-audit';
import { createUsagePublisher, usageBacklog, type UsagePublisher } from './client';
import { openUsageQueries } from './metering';
import { UsageConsumer } from './usage-consumer';

jest.setTimeout(60_000);

const logged: string[] = [];
const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void logged.push(line) });
const lines = (text: string): string[] => logged.filter((line) => line.includes(text));

let database: TestDatabase;
let bus: InterruptibleBus;
let publisher: UsagePublisher;
let running: { consumer: UsageConsumer; pool: Pool }[];

beforeAll(async () => {
  database = await openTestDatabase(log);
});

afterAll(() => database.close());

beforeEach(async () => {
  await database.empty();
  logged.length = 0;
  bus = interruptible(createLocalBus({ log }));
  publisher = createUsagePublisher({ bus, log, metrics: createMetrics() });
  running = [];
});

afterEach(async () => {
  await publisher.close();
  for (const { consumer, pool } of running) {
    await consumer.stop();
    await pool.end();
  }
  await bus.close();
});

function consume(options: { databaseUrl?: string; holdMs?: number } = {}): {
  consumer: UsageConsumer;
  metrics: Metrics;
} {
  const { databaseUrl = database.url, ...rest } = options;
  const metrics = createMetrics();
  const pool = createPool({ url: databaseUrl, log, connectionsMax: 2 });
  const consumer = new UsageConsumer({ bus, pool, log, metrics, ...rest });
  running.push({ consumer, pool });
  consumer.start();
  return { consumer, metrics };
}

async function allStored(count: number, timeoutMs = 20_000): Promise<void> {
  await until(async () => (await database.sql('SELECT count(*)::int AS n FROM usage'))[0]?.['n'] === count, timeoutMs);
}

const append = (payload: Uint8Array): Promise<void> => bus.append(STREAMS.usage, payload, randomUUID());

describe('dead letters', () => {
  const idOf = (payload: string | Buffer): string => createHash('sha256').update(payload).digest('hex');
  const waits = async (count: number): Promise<void> =>
    until(async () => (await database.sql(WAITING)).length === count, 5_000);
  const WAITING = 'SELECT id FROM usage_refused WHERE replayed_at IS NULL AND dismissed_at IS NULL';
  let reading: ReturnType<typeof openUsageQueries>;
  let refused: RefusedUsage;

  beforeEach(() => {
    reading = openUsageQueries(database.url, log);
    refused = reading.refused((payload, dedupeId) => bus.append(STREAMS.usage, payload, dedupeId));
  });

  afterEach(() => reading.close());

  test('a replay in vain waits again, and says how often it was refused', async () => {
    const { metrics } = consume();
    const record = JSON.stringify({ ...event('req_1'), costNanoUsd: -1 });
    await append(Buffer.from(`{"events":[${record}]}`));
    await append(Buffer.from([0, 255]));
    await waits(2);
    for (const { id } of (await refused.list({}, { limit: 10 })).records) await refused.replay(id);
    await until(async () => (await metricOf(metrics, 'usage_refused_total')) === 4);
    const { records } = await refused.list({ state: 'waiting' }, { limit: 10 });
    expect(records.map(({ id, refusals }) => [id, refusals]).sort()).toEqual(
      [
        [idOf(record), 2],
        [idOf(Buffer.from([0, 255])), 2],
      ].sort(),
    );
    // A second delivery of the first message is no third refusal.
    await append(Buffer.from(`{"events":[${record}]}`));
    publisher.record(event('req_2'));
    await allStored(1);
    expect((await refused.find(idOf(record)))?.refusals).toBe(2);
  });

  test('what an older release could not read is billed by its replay, once however often', async () => {
    consume();
    const record = JSON.stringify(event('req_1'));
    await database.sql(
      `INSERT INTO usage_refused (id, reason, payload) VALUES ('${idOf(record)}', 'events[0] is odd', '${record}')`,
    );
    expect((await refused.replay(idOf(record)))?.replayedAtMs).toBeGreaterThan(0);
    await allStored(1);
    await refused.replay(idOf(record));
    publisher.record(event('req_2'));
    await allStored(2);
    expect(await database.stored()).toEqual(['req_1', 'req_2']);
    expect((await refused.list({ state: 'replayed' }, { limit: 10 })).records).toHaveLength(1);
  });

  test('a stream that is away keeps it waiting; what is dismissed waits no more', async () => {
    const record = '{"events":7}';
    await database.sql(
      `INSERT INTO usage_refused (id, reason, payload) VALUES ('${idOf(record)}', 'events is not an array', '${record}')`,
    );
    bus.fault = 'away';
    await expect(refused.replay(idOf(record))).rejects.toThrow();
    bus.reconnect();
    await waits(1);
    await refused.dismiss(idOf(record));
    await waits(0);
    expect((await refused.find(idOf(record)))?.dismissedAtMs).toBeGreaterThan(0);
  });

  test('pages follow each other, and a cursor that no page gave is refused', async () => {
    await database.sql(`INSERT INTO usage_refused (id, reason, payload)
                        SELECT lpad(to_hex(n), 64, '0'), 'odd', '{}' FROM generate_series(1, 5) AS n`);
    const seen: string[] = [];
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await refused.list({ state: 'waiting' }, { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.records.map(({ id }) => id.slice(-1)));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(['5', '4', '3', '2', '1']);
    await expect(refused.list({}, { limit: 2, cursor: 'bm9uZQ' })).rejects.toThrow(InvalidCursorError);
  });
});

test('a record is stored soon, every field as it was', async () => {
  const { metrics } = consume();
  publisher.record(event('req_1'));
  await allStored(1, 2_000);
  const { queries, close } = openUsageQueries(database.url, log);
  expect((await queries.list({}, { limit: 10 })).records).toEqual([event('req_1')]);
  await close();
  await until(async () => (await metricOf(metrics, 'usage_inserted_total')) === 1);
  expect(await metricOf(metrics, 'usage_consumed_total')).toBe(1);
  expect(await metricOf(metrics, 'usage_duplicates_total')).toBe(0);
});

test('what waited in the stream before anybody consumed it is stored in few statements', async () => {
  for (const id of ids(5_000)) publisher.record(event(id));
  expect(await publisher.drain(5_000)).toBe(0);
  const waiting = { pending: 25, unacknowledged: 0, redelivered: 0, lastSequence: 25, acknowledgedSequence: 0 };
  expect(await usageBacklog({ bus })).toEqual(waiting);
  const { metrics } = consume();
  await allStored(5_000);
  expect(new Set(await database.stored()).size).toBe(5_000);
  await until(async () => (await metricOf(metrics, 'usage_inserted_total')) === 5_000);
  expect(await metrics.registry.metrics()).toContain('switchboard_usage_insert_seconds_count 1');
  await until(async () => (await usageBacklog({ bus })).unacknowledged === 0);
  expect(await usageBacklog({ bus })).toEqual({ ...waiting, pending: 0, acknowledgedSequence: 25 });
});

test('a batch whose acknowledgement is lost comes again and is stored once', async () => {
  bus.losesAcknowledgements = 2;
  const { metrics } = consume();
  for (const id of ids(300)) publisher.record(event(id));
  await until(async () => (await metricOf(metrics, 'usage_consumed_total')) >= 600);
  await until(async () => (await usageBacklog({ bus })).unacknowledged === 0);
  expect((await database.stored()).sort()).toEqual(ids(300).sort());
  expect(await metricOf(metrics, 'usage_inserted_total')).toBe(300);
  expect(await metricOf(metrics, 'usage_duplicates_total')).toBeGreaterThanOrEqual(300);
});

describe('every message twice', () => {
  const calls = ids(2_000);
  const accuracies = ['orphaned', 'estimated', 'exact'] as const;
  /** Of every third request an orphan and its exact figures, of the next only an estimate, of the last all there is. */
  const events = calls.flatMap((id, index) =>
    accuracies
      .filter((_, rank) => [rank !== 1, rank === 1, true][index % 3])
      .map((accuracy) => event(id, { accuracy, costNanoUsd: { orphaned: 900, estimated: 50, exact: 7 }[accuracy] })),
  );
  const messages = Array.from({ length: Math.ceil(events.length / 90) }, (_, index) =>
    encodeJson({ events: events.slice(index * 90, index * 90 + 90) }),
  );
  const figures = () =>
    database.sql(`
      SELECT (SELECT sum(cost_nano_usd)::int FROM usage_current) AS cost, (SELECT sum(requests)::int FROM usage_rollups) AS calls,
             (SELECT sum(amount_nano_usd)::int FROM ledger_entries WHERE account_id = 'tenant:acme') AS balance,
             (SELECT count(*)::int FROM usage_current) AS rows, (SELECT max(revision)::int FROM usage) AS revision`);
  const estimatedOnly = calls.filter((_, index) => index % 3 === 1).length;
  const cost = 50 * estimatedOnly + 7 * (calls.length - estimatedOnly);
  const right = [{ cost, calls: 2_000, balance: -cost, rows: 2_000 }];

  async function settled(): Promise<void> {
    await until(async () => {
      const { pending, unacknowledged } = await usageBacklog({ bus });
      return pending + unacknowledged === 0;
    }, 30_000);
  }

  test('changes nothing that once had not done: usage, ledger and rollups', async () => {
    for (const message of messages) await append(message);
    consume();
    await settled();
    expect(await figures()).toMatchObject(right);
    const once = await database.sql('SELECT * FROM usage ORDER BY id');
    const posted = await database.sql('SELECT * FROM ledger_entries ORDER BY 1, 2');
    for (const message of messages) await append(message);
    await settled();
    expect(await database.sql('SELECT * FROM usage ORDER BY id')).toEqual(once);
    expect(await database.sql('SELECT * FROM ledger_entries ORDER BY 1, 2')).toEqual(posted);
    expect(await auditLedger({ url: database.url, log })).toMatchObject({ breachCount: 0 });
  });

  test('in another order, to two consumers, with acknowledgements lost: the same figures', async () => {
    bus.losesAcknowledgements = 3;
    for (const message of [...messages, ...[...messages].reverse()]) await append(message);
    consume();
    consume();
    await settled();
    expect(await figures()).toMatchObject(right);
    expect(await auditLedger({ url: database.url, log })).toMatchObject({ breachCount: 0 });
  });
});

describe('what cannot be billed as it is', () => {
  const faulty = { ...event('req_faulty'), costNanoUsd: 0.5 };
  const overflow = event('req_overflow', { attempts: 2 ** 40 });
  // Random, so that it does not compress into its index.
  const endless = event(`req_${randomBytes(20_000).toString('hex')}`);
  const noText = Buffer.from([0x7b, 0x00, 0xff, 0xfe]);

  test('is kept whole, once, with its reason, while its neighbours are stored', async () => {
    bus.losesAcknowledgements = 1;
    await append(encodeJson({ events: [event('req_1'), faulty, event('req_2'), overflow, event('req_3'), endless] }));
    await append(Buffer.from('no JSON at all'));
    await append(noText);
    await append(encodeJson({ events: [event('req_4')] }));
    const { metrics } = consume();
    await until(async () => (await metricOf(metrics, 'usage_duplicates_total')) >= 4);
    await until(async () => (await usageBacklog({ bus })).unacknowledged === 0);
    expect((await database.stored()).sort()).toEqual(['req_1', 'req_2', 'req_3', 'req_4']);
    const kept = await database.sql('SELECT id, reason, payload FROM usage_refused ORDER BY length(payload)');
    expect(kept).toMatchObject([
      { payload: 'no JSON at all', reason: 'not JSON: SyntaxError' },
      { payload: 'base64:ewD//g==', reason: 'not JSON: SyntaxError' },
      { payload: JSON.stringify(faulty), reason: 'events[1].costNanoUsd is not a whole number from 0' },
      { payload: JSON.stringify(overflow), reason: expect.stringContaining('out of range') },
      { payload: JSON.stringify(endless), reason: expect.stringContaining('index row') },
    ]);
    expect(kept[0]?.['id']).toBe(createHash('sha256').update('no JSON at all').digest('hex'));
    expect(await metricOf(metrics, 'usage_refused_total')).toBe(5);
    expect(lines('put into usage_refused')).toHaveLength(5);
  });

  test('a message of nothing else is acknowledged too', async () => {
    await append(encodeJson({ events: [faulty] }));
    const { metrics } = consume();
    await until(async () => (await metricOf(metrics, 'usage_refused_total')) === 1);
    await until(async () => (await usageBacklog({ bus })).unacknowledged === 0);
    expect(await usageBacklog({ bus })).toMatchObject({ pending: 0, acknowledgedSequence: 1 });
  });
});

describe('while the database is away', () => {
  test('usage waits in the stream, nothing is lost or stored twice, and the log says so twice', async () => {
    const { metrics } = consume();
    const all = ids(6_000);
    for (const id of all.slice(0, 2_000)) publisher.record(event(id));
    await until(async () => (await metricOf(metrics, 'usage_inserted_total')) > 0);
    await database.kill();
    for (const id of all.slice(2_000, 4_000)) {
      publisher.record(event(id));
      if (Number(id.slice(4)) % 200 === 0) await delay(20);
    }
    await until(() => lines('cannot be stored').length > 0);
    // The publisher is not held up by it.
    expect(await publisher.drain(1_000)).toBe(0);
    await until(() => lines('embedded Postgres is back').length > 0);
    for (const id of all.slice(4_000)) publisher.record(event(id));
    await allStored(6_000);
    expect((await database.stored()).sort()).toEqual(all.sort());
    await until(() => lines('usage is stored again').length > 0);
    expect(lines('cannot be stored')).toHaveLength(1);
    expect(lines('a batch failed')).toHaveLength(0);
  });

  test('a stop does not wait for it: the batch goes back and another consumer stores it', async () => {
    const away = consume({ databaseUrl: 'postgresql://nobody:x@127.0.0.1:1/none' });
    publisher.record(event('req_1'));
    await until(() => lines('cannot be stored').length > 0);
    const startedAt = performance.now();
    await away.consumer.stop();
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    consume();
    await allStored(1);
  });

  test('a consumer that alone cannot reach it gives its batch back in the end', async () => {
    consume({ databaseUrl: 'postgresql://nobody:x@127.0.0.1:1/none', holdMs: 200 });
    publisher.record(event('req_1'));
    await until(() => lines('a batch failed').length > 0);
    consume();
    await allStored(1);
  });
});

test('a consumer that gave its batch back takes up again when the database is back', async () => {
  const { metrics } = consume({ holdMs: 0 });
  publisher.record(event('req_1'));
  await allStored(1);
  await database.kill();
  publisher.record(event('req_2'));
  await until(() => lines('a batch failed').length > 0);
  await until(async () => (await metricOf(metrics, 'usage_inserted_total')) === 2);
  expect(lines('a batch failed')).toHaveLength(1);
});

test('two consumers share the stream', async () => {
  const both = [consume(), consume()];
  const all = ids(20_000);
  for (const id of all) {
    publisher.record(event(id));
    if (Number(id.slice(4)) % 500 === 0) await delay(5);
  }
  await allStored(all.length);
  await until(async () => (await usageBacklog({ bus })).unacknowledged === 0);
  const inserted = await Promise.all(both.map(({ metrics }) => metricOf(metrics, 'usage_inserted_total')));
  expect(Math.min(...inserted)).toBeGreaterThan(0);
  expect(inserted.reduce((sum, count) => sum + count)).toBe(all.length);
});

test('a stop finishes the batch in hand: what was consumed is stored and acknowledged', async () => {
  for (const id of ids(8_000)) publisher.record(event(id));
  await publisher.drain(5_000);
  const { consumer, metrics } = consume();
  await until(async () => (await metricOf(metrics, 'usage_consumed_total')) > 0);
  await consumer.stop();
  const stored: UsageRecordedV1['requestId'][] = await database.stored();
  expect(stored.length).toBe(await metricOf(metrics, 'usage_consumed_total'));
  expect((await usageBacklog({ bus })).unacknowledged).toBe(0);
});
