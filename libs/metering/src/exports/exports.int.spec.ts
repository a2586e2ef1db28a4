import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  callView,
  csvOf,
  type ExportFilter,
  type ExportFormat,
  LOGGED_CALL_COLUMNS,
  recordView,
  USAGE_RECORD_COLUMNS,
  type UsageFilter,
  type UsageRecordView,
} from '@switchboard/contracts';
import {
  createLogger,
  createMetrics,
  createPool,
  createPrismaClient,
  type Pool,
  type PrismaClient,
} from '@switchboard/platform';
import { openTestDatabase, type TestDatabase } from '../__fixtures__/database';
import { event } from '../__fixtures__/usage-events';
import { until } from '../__fixtures__/waiting';
import { call, refusedCall, requestIdAt } from '../calls/__fixtures__/calls';
import { storeCalls } from '../calls/adapters/call-insert';
import { exportJob } from '../jobs/exports';
import { createMetering, type Metering } from '../metering';
import { ExportLostError, ExportStore } from './adapters/export-store';
import { registerExportMetrics } from './export-metrics';
import { ExportWorker } from './export-worker';

jest.setTimeout(60_000);

const FIXTURES = path.join(__dirname, '__fixtures__');
const NOON_MS = Date.parse('2026-11-20T12:00:00.000Z');
const DAY: ExportFilter = { fromMs: NOON_MS, toMs: NOON_MS + 86_400_000 };
const CALLS = 1_200;
const { signal: never } = new AbortController();

const log = createLogger({ level: 'silent', name: 'test' });
let database: TestDatabase;
let metering: Metering;
let prisma: PrismaClient;
let blocker: Pool;
let nowMs: number;

beforeAll(async () => {
  database = await openTestDatabase(log);
  metering = createMetering({ databaseUrl: database.url, logger: log, metrics: createMetrics() });
  prisma = createPrismaClient(database.url, log);
  blocker = createPool({ url: database.url, log, connectionsMax: 1 });
  await database.sql(
    `INSERT INTO tenants (id, name, managed_by) VALUES ('acme', 'Acme', 'api'), ('other', 'Other', 'api')`,
  );
  for (let index = 0; index < CALLS; index++) {
    const tenantId = index % 10 === 0 ? 'other' : 'acme';
    const endUser = index % 100 === 1 ? `=HYPERLINK("http://x","${index}")` : `user, "${index}" ${'x'.repeat(900)}`;
    const keyId = `key_${index % 3}`;
    const accuracy = index === 2 ? 'estimated' : 'exact';
    metering.store.record(event(`req_${index}`, { tenantId, keyId, endUser, accuracy, startedAtMs: NOON_MS + index }));
  }
  await metering.store.drain(20_000);
});

afterAll(async () => {
  await Promise.all([blocker.end(), prisma.$disconnect(), metering.close()]);
  await database.close();
});

beforeEach(async () => {
  nowMs = Date.now();
  await database.sql('TRUNCATE exports CASCADE');
});

function worker(): ExportWorker {
  return new ExportWorker({ prisma, log, metrics: registerExportMetrics(createMetrics()), nowMs: () => nowMs });
}

async function asked(
  id: string,
  fields: { kind?: string; format?: ExportFormat; tenant?: string | null; filter?: ExportFilter } = {},
): Promise<void> {
  const { kind = 'usage', format = 'jsonl', tenant = 'acme', filter = DAY } = fields;
  const data = { id, kind, format, tenantId: tenant, filter: { ...filter }, actor: 'admin-token' };
  await prisma.export.create({ data: { ...data, createdAt: new Date(nowMs) } });
}

const found = (id: string) => prisma.export.findUniqueOrThrow({ where: { id } });

async function fileOf(id: string): Promise<string> {
  const chunks = await prisma.exportChunk.findMany({ where: { exportId: id }, orderBy: { position: 'asc' } });
  expect(chunks.map(({ position }) => position)).toEqual(chunks.map((_, index) => index));
  expect(Math.max(...chunks.map(({ data }) => data.length))).toBeLessThanOrEqual(1024 * 1024);
  return gunzipSync(Buffer.concat(chunks.map(({ data }) => data))).toString('utf8');
}

/** All pages of the list. */
async function listed(filter: UsageFilter): Promise<UsageRecordView[]> {
  const records = [];
  let cursor: string | undefined;
  do {
    const page = await metering.queries.list(filter, { limit: 1_000, cursor });
    records.push(...page.records);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return records.map(recordView);
}

const rowsOf = (text: string): UsageRecordView[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** Whoever makes the export writes its first chunk, and waits with its second until this is released. */
async function blockSecondChunk(id: string): Promise<() => Promise<void>> {
  const client = await blocker.connect();
  await client.query('BEGIN');
  await client.query(`INSERT INTO export_chunks (export_id, position, data) VALUES ('${id}', 1, '')`);
  return async () => {
    await client.query('ROLLBACK');
    client.release();
  };
}

const isHalfWay = async (id: string) =>
  (await database.sql(`SELECT 1 FROM export_chunks WHERE export_id = '${id}'`)).length === 1;

test('an export is what the pages of the list are together, as lines of JSON and as CSV', async () => {
  await asked('exp_json');
  await asked('exp_csv', { format: 'csv' });
  await Promise.all([worker().run(never), worker().run(never)]);
  const views = await listed({ tenantId: 'acme', ...DAY });
  expect(views).toHaveLength(CALLS * 0.9);
  expect(rowsOf(await fileOf('exp_json'))).toEqual(views);
  const csv = await fileOf('exp_csv');
  expect(csv).toBe(csvOf(USAGE_RECORD_COLUMNS, views));
  // A spreadsheet runs none of what clients wrote.
  expect(csv).toContain(`"'=HYPERLINK(""http://x"",""1"")"`);
  const { state, rows, bytes, expiresAt } = await found('exp_json');
  expect({ state, rows, expiresAt }).toEqual({ state: 'done', rows: 1_080n, expiresAt: new Date(nowMs + 86_400_000) });
  const [{ stored }] = (await database.sql(
    `SELECT sum(length(data))::text AS stored FROM export_chunks WHERE export_id = 'exp_json'`,
  )) as [{ stored: string }];
  expect(String(bytes)).toBe(stored);
});

test('filters and tenants bound it; money is text', async () => {
  await asked('exp_key', { filter: { ...DAY, keyId: 'key_1', toMs: NOON_MS + 100 } });
  await asked('exp_all', { tenant: null, filter: { ...DAY, toMs: NOON_MS + 100 } });
  await asked('exp_none', { tenant: 'other', filter: { ...DAY, model: 'nobody/none' } });
  await worker().run(never);
  const rows = rowsOf(await fileOf('exp_key'));
  expect(new Set(rows.map(({ tenant, key }) => `${tenant} ${key}`))).toEqual(new Set(['acme key_1']));
  expect(rows[0]).toMatchObject({ costNanoUsd: '330000', costUsd: '0.000330000' });
  expect(rowsOf(await fileOf('exp_all'))).toHaveLength(100);
  expect(await fileOf('exp_none')).toBe('');
  expect(await found('exp_none')).toMatchObject({ state: 'done', rows: 0n });
});

test('the audit log of a tenant, in the order of its list', async () => {
  const entry = (id: string, tenantId: string | null) =>
    prisma.auditEntry.create({
      data: {
        ...{ id, tenantId, at: new Date(NOON_MS + 1), actor: 'admin-token', action: 'key.create', resourceType: 'key' },
        ...{ resourceId: '=1+1', after: { name: 'ci' } },
      },
    });
  for (const [id, tenant] of [
    ['aud_1', 'acme'],
    ['aud_2', null],
    ['aud_3', 'acme'],
    ['aud_4', 'other'],
  ] as const)
    await entry(id, tenant);
  await asked('exp_audit', { kind: 'audit', format: 'csv' });
  await worker().run(never);
  const at = new Date(NOON_MS + 1).toISOString();
  expect(await fileOf('exp_audit')).toBe(
    [
      'id,at,actor,action,resourceType,resourceId,tenant,before,after',
      `aud_3,${at},admin-token,key.create,key,'=1+1,acme,,"{""name"":""ci""}"`,
      `aud_1,${at},admin-token,key.create,key,'=1+1,acme,,"{""name"":""ci""}"`,
      '',
    ].join('\r\n'),
  );
});

test('the call log of a key, refused calls too, and no prompt', async () => {
  const made = Array.from({ length: 450 }, (_, index) => {
    const fields = { atMs: NOON_MS + index, keyId: index % 3 === 0 ? 'key_9' : 'key_1', prompt: 'a secret of mine' };
    const requestId = requestIdAt(NOON_MS, index);
    return index % 2 === 0 ? call(requestId, fields) : refusedCall(requestId, fields);
  });
  await storeCalls(blocker, [...made, call(requestIdAt(NOON_MS, 999), { tenantId: 'other', atMs: NOON_MS })]);
  await asked('exp_calls', { kind: 'calls', filter: { ...DAY, keyId: 'key_1' } });
  await asked('exp_csv', { kind: 'calls', format: 'csv' });
  await worker().run(never);
  const text = await fileOf('exp_calls');
  const views = made.map(callView).reverse();
  expect(rowsOf(text)).toEqual(views.filter(({ key }) => key === 'key_1'));
  expect(await fileOf('exp_csv')).toBe(csvOf(LOGGED_CALL_COLUMNS, views));
  expect(text).not.toContain('secret');
});

test('of one that is killed half-way another makes the whole, each call once, when the lease is over', async () => {
  await asked('exp_1');
  const release = await blockSecondChunk('exp_1');
  const args = ['-r', path.join(FIXTURES, 'compile-on-require.cjs'), path.join(FIXTURES, 'exporting-process.ts')];
  const child: ChildProcess = spawn(process.execPath, [...args, database.url], { stdio: 'inherit' });
  const exited = once(child, 'exit');
  await until(() => isHalfWay('exp_1'), 30_000);
  child.kill('SIGKILL');
  await exited;
  await release();
  await worker().run(never);
  expect(await found('exp_1')).toMatchObject({ state: 'running', attempts: 1 });
  nowMs = Date.now() + 61_000;
  await worker().run(never);
  expect(await found('exp_1')).toMatchObject({ state: 'done', attempts: 2, rows: 1_080n });
  expect(rowsOf(await fileOf('exp_1'))).toEqual(await listed({ tenantId: 'acme', ...DAY }));
});

test('whoever was taken for dead, and is not, changes nothing any more', async () => {
  await asked('exp_1');
  const store = new ExportStore(prisma, () => nowMs);
  const late = (await store.take())!;
  expect(await store.take()).toBeUndefined();
  await store.append(late, { position: 0, data: Buffer.from('half'), rows: 1 });
  nowMs += 61_000;
  const next = (await store.take())!;
  expect(next).toMatchObject({ id: 'exp_1', attempts: 2, rows: 0n, bytes: 0n });
  const tries = [
    () => store.append(late, { position: 1, data: Buffer.from('more'), rows: 1 }),
    () => store.finish(late),
    () => store.fail(late, 'no'),
    () => store.giveBack(late, 0),
  ];
  for (const attempt of tries) await expect(attempt()).rejects.toThrow(ExportLostError);
  expect(await prisma.exportChunk.count()).toBe(0);
  await store.finish(next);
});

test('what is recorded or corrected meanwhile is not in it: it is the list at one moment', async () => {
  const before = await listed({ tenantId: 'acme', ...DAY });
  await asked('exp_1');
  const release = await blockSecondChunk('exp_1');
  const made = worker().run(never);
  await until(() => isHalfWay('exp_1'));
  metering.store.record(event('req_late', { startedAtMs: NOON_MS }));
  metering.store.record(event('req_2', { keyId: 'key_2', costNanoUsd: 1, startedAtMs: NOON_MS + 2 }));
  await metering.store.drain(5_000);
  await release();
  await made;
  expect(rowsOf(await fileOf('exp_1'))).toEqual(before);
  expect((await listed({ tenantId: 'acme', ...DAY })).slice(0, 2).map(({ requestId }) => requestId)).toEqual([
    ...['req_2', 'req_late'],
  ]);
});

test('a stop gives it back at once, for the next to make', async () => {
  await asked('exp_1');
  const release = await blockSecondChunk('exp_1');
  const stop = new AbortController();
  const stopped = worker().run(stop.signal);
  await until(() => isHalfWay('exp_1'));
  stop.abort();
  await release();
  await stopped;
  expect(await found('exp_1')).toMatchObject({ state: 'queued', attempts: 0 });
  await worker().run(never);
  expect(await found('exp_1')).toMatchObject({ state: 'done' });
  expect(rowsOf(await fileOf('exp_1'))).toEqual(await listed({ tenantId: 'acme', ...DAY }));
});

test('one that is deleted while it is made is nobody’s any more, and holds no other up', async () => {
  await asked('exp_1');
  await asked('exp_2');
  const release = await blockSecondChunk('exp_1');
  const made = worker().run(never);
  await until(() => isHalfWay('exp_1'));
  const deleted = prisma.export.delete({ where: { id: 'exp_1' } });
  await release();
  await Promise.all([deleted, made]);
  expect(await found('exp_2')).toMatchObject({ state: 'done' });
});

test('what fails again and again is given up, and says so', async () => {
  await asked('exp_1', { kind: 'nonsense' });
  for (let attempt = 1; attempt <= 5; attempt++) await expect(worker().run(never)).rejects.toThrow();
  await worker().run(never);
  expect(await found('exp_1')).toMatchObject({ state: 'failed', error: 'it could not be made in 5 attempts' });
});

test('the job makes what was asked for, over connections of its own', async () => {
  const job = exportJob({ pool: blocker, databaseUrl: database.url, log, metrics: createMetrics() });
  const isOpen = async () => (await database.sql('SELECT pid FROM pg_stat_activity WHERE datname IS NOT NULL')).length;
  await job.run(never);
  const before = await isOpen();
  await asked('exp_1', { filter: { fromMs: NOON_MS + 1, toMs: NOON_MS + 10 } });
  await job.run(never);
  expect(await found('exp_1')).toMatchObject({ state: 'done', attempts: 1, rows: 9n });
  await until(async () => (await isOpen()) === before);
});

test('a day later it is gone', async () => {
  await asked('exp_1', { filter: { ...DAY, toMs: NOON_MS + 10 } });
  await worker().run(never);
  nowMs += 86_400_001;
  await worker().run(never);
  expect(await database.sql('SELECT count(*)::int AS n FROM export_chunks')).toEqual([{ n: 0 }]);
  expect(await prisma.export.count()).toBe(0);
});
