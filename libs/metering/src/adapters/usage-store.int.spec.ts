import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { UsageRecordedV1 } from '@switchboard/contracts';
import {
  createLogger,
  createMetrics,
  createPool,
  type EmbeddedPostgres,
  type Metrics,
  migrate,
  startEmbeddedPostgres,
} from '@switchboard/platform';
import { EMPTY_TABLES } from '../__fixtures__/database';
import { event, ids } from '../__fixtures__/usage-events';
import { createMetering, type Metering } from '../metering';
import { registerUsageMetrics } from './usage-metrics';
import { UsageStore } from './usage-store';

jest.setTimeout(60_000);

const logged: string[] = [];
const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void logged.push(line) });

let dir: string;
let postgres: EmbeddedPostgres;
let metrics: Metrics;
let metering: Metering;

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'switchboard-metering-'));
  await chmod(dir, 0o711);
  postgres = await startEmbeddedPostgres({ dataDir: dir, log });
  await migrate({ url: postgres.url, log });
});

afterAll(async () => {
  await postgres.stop();
  await rm(dir, { recursive: true, force: true });
});

beforeEach(async () => {
  await sql(EMPTY_TABLES);
  logged.length = 0;
  metrics = createMetrics();
  metering = createMetering({ databaseUrl: postgres.url, logger: log, metrics, drainTimeoutMs: 5_000 });
});

afterEach(() => metering.close());

async function sql(text: string): Promise<Record<string, unknown>[]> {
  const pool = createPool({ url: postgres.url, log });
  try {
    return (await pool.query<Record<string, unknown>>(text)).rows;
  } finally {
    await pool.end();
  }
}

async function stored(): Promise<unknown[]> {
  return (await sql('SELECT request_id FROM usage ORDER BY id')).map((row) => row['request_id']);
}

async function counted(result: string): Promise<number> {
  const metric = await metrics.registry.getSingleMetric('switchboard_usage_records_total')?.get();
  return metric?.values.find(({ labels }) => labels['result'] === result)?.value ?? 0;
}

async function until(condition: () => Promise<boolean> | boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('it did not happen in time');
    await delay(20);
  }
}

describe('storing', () => {
  test('a record is stored soon, every field as it was, without a flush being asked for', async () => {
    const recorded = event('req_1');
    metering.store.record(recorded);
    await until(async () => (await stored()).length === 1, 2_000);
    expect((await metering.queries.list({}, { limit: 10 })).records).toEqual([recorded]);
  });

  test('absent fields stay absent, fractions of a millisecond are rounded', async () => {
    const {
      firstTokenMs: _first,
      endUser: _user,
      clientRequestId: _id,
      priceVersion: _version,
      clientMetadata: _metadata,
      ...rest
    } = event('req_1');
    metering.store.record({ ...rest, latencyMs: 90.5 });
    await metering.store.drain(5_000);
    expect((await metering.queries.list({}, { limit: 10 })).records).toEqual([{ ...rest, latencyMs: 91 }]);
  });

  test('records keep the order they came in, over many batches', async () => {
    for (const id of ids(2_300)) metering.store.record(event(id));
    expect(await metering.store.drain(10_000)).toBe(0);
    expect(await stored()).toEqual(ids(2_300));
  });

  test('a record that comes again, in the same batch or later, is stored once and counted', async () => {
    for (const id of ['req_1', 'req_2', 'req_1']) metering.store.record(event(id));
    await metering.store.drain(5_000);
    metering.store.record(event('req_2', { costNanoUsd: 1 }));
    await metering.store.drain(5_000);
    expect(await sql('SELECT request_id, cost_nano_usd FROM usage ORDER BY id')).toEqual([
      { request_id: 'req_1', cost_nano_usd: '330000' },
      { request_id: 'req_2', cost_nano_usd: '330000' },
    ]);
    expect(await counted('stored')).toBe(2);
    expect(await counted('duplicate')).toBe(2);
  });

  test('text that Postgres cannot hold is mended, and does not hold back the others', async () => {
    const broken = 'a\0b\uD800';
    metering.store.record(
      event('req_1', {
        endUser: broken,
        losses: [{ feature: broken, path: broken }],
        clientMetadata: { [broken]: broken },
      }),
    );
    metering.store.record(event('req_2', { endUser: 'whole 😀 "quoted", {braces} \\ NULL' }));
    await metering.store.drain(5_000);
    const [second, first] = (await metering.queries.list({}, { limit: 10 })).records;
    const mended = 'a\uFFFDb\uFFFD';
    expect(first).toMatchObject({
      endUser: mended,
      losses: [{ feature: mended }],
      clientMetadata: { [mended]: mended },
    });
    expect(second).toMatchObject({ endUser: 'whole 😀 "quoted", {braces} \\ NULL' });
  });

  test.each([
    ['a number that is none', { costNanoUsd: NaN }],
    ['a fraction of a token', { usage: { ...event('x').usage, inputTokens: 1.5 } }],
    ['a time that is none', { startedAtMs: NaN }],
    ['a missing text', { model: undefined }],
  ])('%s is kept whole, logged, and does not hold back the others', async (_name, changes) => {
    for (const id of ids(20))
      metering.store.record(event(id, id === 'req_13' ? (changes as Partial<UsageRecordedV1>) : {}));
    expect(await metering.store.drain(5_000)).toBe(0);
    expect(await stored()).toEqual(ids(20).filter((id) => id !== 'req_13'));
    expect(await counted('refused')).toBe(1);
    expect(logged.filter((line) => line.includes('refuses a usage record') && line.includes('req_13'))).toHaveLength(1);
    const { records } = await metering.refused.list({ state: 'waiting' }, { limit: 10 });
    expect(records.map(({ payload }) => (JSON.parse(payload) as UsageRecordedV1).requestId)).toEqual(['req_13']);
  });
});

test('what was refused and is mended is billed by its replay, once', async () => {
  const { requestId } = event('req_mended');
  await sql(`INSERT INTO usage_refused (id, reason, payload)
             VALUES ('${'a'.repeat(64)}', 'a field of a later release', '${JSON.stringify(event(requestId))}')`);
  for (let time = 0; time < 2; time++) {
    expect((await metering.refused.replay('a'.repeat(64)))?.replayedAtMs).toBeGreaterThan(0);
    await metering.store.drain(5_000);
    expect(await stored()).toEqual([requestId]);
  }
  expect(await metering.refused.replay('b'.repeat(64))).toBeUndefined();
});

describe('while the database is away', () => {
  test('a crash and restart of the database lose nothing, repeat nothing and change no order', async () => {
    const all = ids(3_000);
    const [before, during, after] = [all.slice(0, 1_000), all.slice(1_000, 2_000), all.slice(2_000)];
    for (const id of before) metering.store.record(event(id));
    // Some are stored, some may be on their way when the sessions are cut.
    await until(async () => (await counted('stored')) > 0);
    const pidFile = path.join(dir, 'postgres/cluster/postmaster.pid');
    process.kill(Number.parseInt(await readFile(pidFile, 'utf8'), 10), 'SIGKILL');
    for (const id of during) metering.store.record(event(id));
    await until(() => logged.some((line) => line.includes('could not be stored, trying again')));
    await until(() => logged.some((line) => line.includes('embedded Postgres is back')));
    for (const id of after) metering.store.record(event(id));
    expect(await metering.store.drain(20_000)).toBe(0);
    expect(await stored()).toEqual(all);
  });

  test('sessions that the server cuts cost no record', async () => {
    for (let round = 0; round < 20; round++) {
      for (const id of ids(100)) metering.store.record(event(`${round}:${id}`));
      await delay(10);
      await sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'switchboard' AND pid <> pg_backend_pid()",
      );
    }
    expect(await metering.store.drain(20_000)).toBe(0);
    expect(new Set(await stored()).size).toBe(2_000);
  });

  test('a drain that runs out of time says how many are left, and they are in the log', async () => {
    const away = createMetering({
      databaseUrl: 'postgresql://nobody:x@127.0.0.1:1/none',
      logger: log,
      metrics: createMetrics(),
      drainTimeoutMs: 0,
    });
    for (const id of ids(3)) away.store.record(event(id));
    const startedAt = performance.now();
    expect(await away.store.drain(300)).toBe(3);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(logged.filter((line) => line.includes('could not be stored in time'))).toHaveLength(3);
    await away.close();
  });

  test('a full buffer drops the newest, loudly: each is counted, the log is not flooded', async () => {
    const own = createMetrics();
    const pool = createPool({ url: 'postgresql://nobody:x@127.0.0.1:1/none', log });
    const usageMetrics = registerUsageMetrics(own, () => store.buffered);
    const store: UsageStore = new UsageStore({ pool, log, metrics: usageMetrics, capacity: 10 });
    for (const id of ids(100)) store.record(event(id));
    const exposition = await own.registry.metrics();
    expect(exposition).toContain('switchboard_usage_records_total{result="dropped"} 90');
    expect(exposition).toContain('switchboard_usage_buffered_records 10');
    expect(logged.filter((line) => line.includes('are being LOST'))).toHaveLength(1);
    await store.close();
    await pool.end();
  });
});
