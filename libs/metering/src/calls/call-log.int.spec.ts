import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type Bus,
  type CallLoggedV1,
  type CallQueries,
  encodeJson,
  InvalidCursorError,
  STREAMS,
} from '@switchboard/contracts';
import {
  createLocalBus,
  createLogger,
  createMetrics,
  createPool,
  createPrismaClient,
  type LocalServer,
  type Metrics,
  openNatsBus,
  type Pool,
  startNats,
} from '@switchboard/platform';
import { openTestDatabase, type TestDatabase } from '../__fixtures__/database';
import { interruptible, type InterruptibleBus } from '../__fixtures__/interruptible-bus';
import { metricOf, until } from '../__fixtures__/waiting';
import { call, daysAgo, refusedCall, requestIdAt } from './__fixtures__/calls';
import { PostgresCallQueries } from './adapters/call-queries';
import { CallConsumer } from './call-consumer';
import type { BufferedCallLog } from './call-intake';
import { createCallPublisher } from './call-publisher';
import { createCallStore } from './call-store';

jest.setTimeout(60_000);

const PROMPT = '{"messages":"the moon is made of cheese"}';
const logged: string[] = [];
const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void logged.push(line) });

let database: TestDatabase;
let pool: Pool;
let prisma: ReturnType<typeof createPrismaClient>;
let queries: CallQueries;
let metrics: Metrics;
let bus: InterruptibleBus;
let opened: (() => Promise<unknown>)[];

beforeAll(async () => {
  database = await openTestDatabase(log);
  pool = createPool({ url: database.url, log, connectionsMax: 4 });
  prisma = createPrismaClient(database.url, log);
  queries = new PostgresCallQueries(prisma);
});

afterAll(async () => {
  await prisma.$disconnect();
  await pool.end();
  await database.close();
});

beforeEach(async () => {
  await database.empty();
  logged.length = 0;
  metrics = createMetrics();
  bus = interruptible(createLocalBus({ log }));
  opened = [() => bus.close()];
});

afterEach(async () => {
  for (const close of opened.reverse()) await close();
});

function publish(at: Bus = bus): BufferedCallLog {
  const calls = createCallPublisher({ bus: at, log, metrics });
  opened.push(() => calls.close());
  return calls;
}

function consume(at: Bus = bus, from: Metrics = createMetrics()): Metrics {
  const consumer = new CallConsumer({ bus: at, pool, log, metrics: from });
  opened.push(() => consumer.stop());
  consumer.start();
  return from;
}

const all = async (): Promise<CallLoggedV1[]> => (await queries.list({}, { limit: 1_000, prompts: true })).calls;
const stored = (count: number) => until(async () => (await all()).length === count);

test('a call is stored soon, every field as it was; its prompt is read where that is asked for', async () => {
  consume();
  const served = call('req_1', { prompt: PROMPT, promptTruncated: true });
  const refused = refusedCall('req_2', { atMs: served.atMs - 1 });
  const calls = publish();
  calls.record(served);
  calls.record(refused);
  await stored(2);
  expect(await all()).toEqual([served, refused]);
  const { prompt: _, promptTruncated: __, ...withoutPrompt } = served;
  expect((await queries.list({}, { limit: 10 })).calls).toEqual([withoutPrompt, refused]);
  expect(await queries.get('req_1')).toEqual(withoutPrompt);
  expect(await queries.get('req_1', { prompts: true })).toEqual(served);
  expect(await queries.get('req_3')).toBeUndefined();
  expect(logged.join('\n')).not.toContain('cheese');
});

test('messages that come again, here or to another replica, store each call once', async () => {
  bus.losesAcknowledgements = 1;
  const replicas = [consume(), consume()];
  const payload = encodeJson({ calls: [call('req_1'), call('req_2'), call('req_1')] });
  await bus.append(STREAMS.calls, payload, randomUUID());
  await bus.append(STREAMS.calls, payload, randomUUID());
  await until(async () => (await bus.backlog(STREAMS.calls, 'metering')).acknowledgedSequence === 2);
  expect((await all()).map(({ requestId }) => requestId).sort()).toEqual(['req_1', 'req_2']);
  const counted = async (name: string): Promise<number> => {
    const each = await Promise.all(replicas.map((replica) => metricOf(replica, name)));
    return each.reduce((sum, one) => sum + one, 0);
  };
  expect([await counted('call_log_stored_total'), await counted('call_log_refused_total')]).toEqual([2, 0]);
  // The acknowledgement that was lost was of one message, or of both.
  expect([3 * 3 - 2, 4 * 3 - 2]).toContain(await counted('call_log_duplicates_total'));
});

test('what is no call, and what the database refuses, holds up nothing, and nothing of it but the fault is in the log', async () => {
  const consumed = consume();
  const prompt = `${PROMPT}\0`;
  const odd = [
    { ...call('req_a'), status: 'cheese' },
    call('req_b', { status: 2 ** 40, prompt }),
    call('req_c', { prompt }),
  ];
  await bus.append(STREAMS.calls, Buffer.from('cheese'), randomUUID());
  await bus.append(STREAMS.calls, encodeJson({ calls: [call('req_1'), ...odd, call('req_2')] }), randomUUID());
  await stored(3);
  expect((await all()).map(({ requestId }) => requestId).sort()).toEqual(['req_1', 'req_2', 'req_c']);
  expect(await metricOf(consumed, 'call_log_refused_total')).toBe(3);
  expect(logged.filter((line) => line.includes('"level":"error"'))).toHaveLength(3);
  expect(logged.join('\n')).not.toContain('cheese');
});

test('while the bus is away calls wait, and are stored once it is back, through a kill of NATS', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'switchboard-calls-'));
  let nats: LocalServer = await startNats({ folder, log });
  const real = {
    edge: openNatsBus({ url: nats.url, name: 'edge', log }),
    metering: openNatsBus({ url: nats.url, name: 'm', log }),
  };
  opened.push(async () => {
    await Promise.all([real.edge.close(), real.metering.close()]);
    await nats.stop('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  const calls = publish(real.edge);
  consume(real.metering);
  calls.record(call('req_0'));
  await stored(1);
  await nats.stop('SIGKILL');
  for (let index = 1; index <= 500; index++) calls.record(call(`req_${index}`, { prompt: 'x'.repeat(2_000) }));
  await until(() => logged.some((line) => line.includes('waits in memory')));
  expect(calls.buffered).toBe(500);
  nats = await startNats({ folder, port: nats.port, log });
  await stored(501);
  expect(await metricOf(metrics, 'call_log_dropped_total')).toBe(0);
  // What is stored is nowhere else: prompts expire in one place.
  await until(async () => (await real.edge.backlog(STREAMS.calls, 'metering')).acknowledgedSequence > 0);
});

test('the store of one process needs no bus', async () => {
  const calls = createCallStore({ pool, log, metrics });
  for (let index = 0; index < 450; index++) calls.record(call(`req_${index}`));
  expect(await calls.drain(10_000)).toBe(0);
  await calls.close();
  expect((await all()).length).toBe(450);
  calls.record(call('req_late'));
  expect(await metricOf(metrics, 'call_log_dropped_total')).toBe(1);
});

test('filters match together, pages follow one another from the latest on, and a foreign cursor is told', async () => {
  const calls = createCallStore({ pool, log, metrics });
  const atMs = daysAgo(1);
  const made = Array.from({ length: 25 }, (_, index) => {
    const changes = { atMs: atMs + Math.floor(index / 10), tenantId: index % 5 === 0 ? 'other' : 'acme' };
    return index % 2 === 0 ? call(requestIdAt(atMs, index), changes) : refusedCall(requestIdAt(atMs, index), changes);
  });
  for (const one of made) calls.record(one);
  await calls.drain(10_000);
  await calls.close();
  const found: CallLoggedV1[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const page = await queries.list({ tenantId: 'acme' }, { limit: 7, ...(cursor === '' ? {} : { cursor }) });
    found.push(...page.calls);
    cursor = page.nextCursor;
  }
  expect(found).toEqual(made.filter(({ tenantId }) => tenantId === 'acme').reverse());
  const outcome = 'ip_not_allowed';
  const both = await queries.list(
    { outcome, status: 403, fromMs: atMs + 1, toMs: atMs + 2, keyId: 'key_1' },
    { limit: 99 },
  );
  expect(both.calls.map(({ requestId }) => requestId)).toEqual(
    made
      .slice(10, 20)
      .filter((one) => one.outcome === outcome)
      .reverse()
      .map(({ requestId }) => requestId),
  );
  expect((await queries.list({ model: 'no/such' }, { limit: 9 })).calls).toEqual([]);
  await expect(queries.list({}, { limit: 9, cursor: 'bm9uZQ' })).rejects.toThrow(InvalidCursorError);
});

test('nothing changes a call, and nothing takes one out before its time', async () => {
  const calls = createCallStore({ pool, log, metrics });
  const id = requestIdAt(Date.now());
  calls.record(call(id, { atMs: Date.now() }));
  calls.record(call('an-id-of-another-form'));
  await calls.drain(10_000);
  await calls.close();
  const [{ part } = { part: '' }] = await database.sql(
    `SELECT tableoid::regclass::text AS part FROM call_log WHERE request_id = '${id}'`,
  );
  expect(part).toMatch(/^call_log_\d{4}_\d\d$/);
  for (const table of ['call_log', part as string, 'call_log_default']) {
    await expect(pool.query(`UPDATE ${table} SET outcome = 'x'`)).rejects.toMatchObject({ code: 'CL001' });
    await expect(pool.query(`DELETE FROM ${table}`)).rejects.toMatchObject({ code: 'CL001' });
    await expect(pool.query(`TRUNCATE ${table}`)).rejects.toMatchObject({ code: 'CL001' });
  }
  await expect(pool.query("SELECT call_log_expire('acme', 0, 10)")).rejects.toMatchObject({ code: 'CL002' });
  expect((await pool.query("SELECT call_log_expire('acme', 1, 10) AS n")).rows).toEqual([{ n: 1 }]);
  expect((await all()).map(({ requestId }) => requestId)).toEqual([id]);
});
