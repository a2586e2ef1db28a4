import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile, readdir } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { createLogger } from '../logging/logger';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../postgres/embedded';
import { createPrismaClient } from './client';
import { migrate, MigrationError } from './migrate';

jest.setTimeout(60_000);

const MIGRATIONS = path.join(__dirname, '../../../../prisma/migrations');
const log = createLogger({ level: 'silent', name: 'test' });

let dir: string;
let database: EmbeddedPostgres;
let url: string;
let count = 0;

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'switchboard-migrate-'));
  await chmod(dir, 0o711);
  database = await startEmbeddedPostgres({ dataDir: dir, log });
});

afterAll(async () => {
  await database.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Each test has a database of its own. */
beforeEach(async () => {
  const name = `test${count++}`;
  await query(database.url, `CREATE DATABASE ${name}`);
  url = database.url.replace(/\/[^/]*$/, `/${name}`);
});

async function query(at: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: at });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The project's migrations and, last, one of ours. */
async function folderWith(sql: string): Promise<string> {
  const folder = path.join(dir, `migrations${count}`);
  await cp(MIGRATIONS, folder, { recursive: true });
  await mkdir(path.join(folder, '99991231000000_last'));
  await writeFile(path.join(folder, '99991231000000_last/migration.sql'), sql);
  return folder;
}

test('an empty database gets every migration, recorded as Prisma records it; a second run applies nothing', async () => {
  const applied = await migrate({ url, log });
  expect(applied).toContain('20261120170000_usage');
  expect(await migrate({ url, log })).toEqual([]);

  const sql = await readFile(path.join(MIGRATIONS, '20261120170000_usage/migration.sql'));
  const history = await query(url, 'SELECT * FROM "_prisma_migrations" ORDER BY started_at');
  expect(history.map((row) => row['migration_name'])).toEqual(applied);
  expect(history[0]).toMatchObject({
    checksum: createHash('sha256').update(sql).digest('hex'),
    applied_steps_count: 1,
    rolled_back_at: null,
    logs: null,
  });
  expect(history[0]?.['finished_at']).toBeInstanceOf(Date);
});

test('processes that start together apply each migration once', async () => {
  const runs = await Promise.all(Array.from({ length: 8 }, () => migrate({ url, log })));
  const names = runs.flat();
  expect(names.length).toBeGreaterThan(0);
  expect(new Set(names).size).toBe(names.length);
});

test('only what is missing is applied', async () => {
  await migrate({ url, log });
  expect(await migrate({ url, log, folder: await folderWith('CREATE TABLE later (id int)') })).toEqual([
    '99991231000000_last',
  ]);
});

test('a migration that was changed after it was applied is refused, by name', async () => {
  const folder = await folderWith('CREATE TABLE first (id int)');
  await migrate({ url, log, folder });
  await writeFile(path.join(folder, '99991231000000_last/migration.sql'), 'CREATE TABLE second (id int)');
  const again = migrate({ url, log, folder });
  await expect(again).rejects.toThrow(MigrationError);
  await expect(again).rejects.toThrow('99991231000000_last was changed');
});

test('of a migration that fails nothing stays, and those before it do', async () => {
  const folder = await folderWith('CREATE TABLE half (id int); SELECT no_such_function();');
  await expect(migrate({ url, log, folder })).rejects.toThrow('99991231000000_last failed, nothing of it was kept');
  expect(await query(url, "SELECT to_regclass('half') AS half, to_regclass('usage') IS NOT NULL AS usage")).toEqual([
    { half: null, usage: true },
  ]);
  expect(await migrate({ url, log })).toEqual([]);
});

test('a migration that another tool left half-way stops the start', async () => {
  await migrate({ url, log });
  await query(url, 'UPDATE "_prisma_migrations" SET finished_at = NULL');
  await expect(migrate({ url, log })).rejects.toThrow('failed half-way');
});

test('the generated client and the migrated tables agree, every field both ways', async () => {
  await migrate({ url, log });
  const prisma = createPrismaClient(url, log);
  const row = {
    requestId: 'req_1',
    tenantId: 'acme',
    keyId: 'key_1',
    requestedModel: 'sonnet',
    model: 'anthropic/claude-sonnet-4.6',
    upstream: 'claude-direct',
    clientDialect: 'anthropic-messages',
    upstreamDialect: 'openai-chat',
    stream: true,
    inputTokens: 1n,
    cacheReadTokens: 2n,
    cacheWrite5mTokens: 3n,
    cacheWrite1hTokens: 4n,
    outputTokens: 2n ** 40n,
    reasoningTokens: 6n,
    costNanoUsd: 2n ** 53n + 1n,
    accuracy: 'exact',
    startedAt: new Date('2026-11-20T12:00:00.123Z'),
    firstTokenMs: 7,
    latencyMs: 8,
    attempts: 9,
    finish: 'end_turn',
    status: 200,
    losses: [{ feature: 'top_k', path: 'top_k' }],
    endUser: 'jane',
    clientRequestId: 'c-1',
    priceVersion: 'v3',
    clientMetadata: { team: 'search' },
  };
  try {
    await prisma.usage.create({ data: { ...row, ledgerTransactionId: 1n } });
    expect(await prisma.usage.findMany()).toEqual([{ id: 1n, revision: 0, ledgerTransactionId: 1n, ...row }]);
  } finally {
    await prisma.$disconnect();
  }
});

test('the prices of models made before there were versions become their first ones', async () => {
  const folder = path.join(dir, `before${count}`);
  await cp(MIGRATIONS, folder, { recursive: true });
  const later = (await readdir(folder)).filter((name) => name >= '20261128010000' && /^\d/.test(name));
  for (const name of later) await rm(path.join(folder, name), { recursive: true });
  await migrate({ url, log, folder });
  const prices = { input: 1, output: 2 };
  await query(
    url,
    `INSERT INTO models (id, spec, position, managed_by, updated_at)
     VALUES ('own/model', '{"id":"own/model","pricing":{"input":1,"output":2}}', 1, 'api', '2026-11-20 12:00:00.123Z')`,
  );
  await migrate({ url, log });
  const effectiveFromMs = Date.parse('2026-11-20T12:00:00.123Z');
  const [model] = await query(url, 'SELECT spec FROM models');
  expect(model).toEqual({ spec: { id: 'own/model', pricing: [{ version: 'v1', effectiveFromMs, prices }] } });
  expect(await query(url, 'SELECT model_id, version, effective_from, prices, actor FROM model_prices')).toEqual([
    { model_id: 'own/model', version: 'v1', effective_from: new Date(effectiveFromMs), prices, actor: 'migration' },
  ]);
});

test('a server that takes the connection and says nothing is given up within seconds', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
  const { port } = silent.address() as AddressInfo;
  const startedAt = performance.now();
  const attempt = migrate({ url: `postgresql://someone@127.0.0.1:${port}/some`, log }).catch((error: Error) => error);
  const outcome = await Promise.race([attempt, new Promise((resolve) => setTimeout(resolve, 9_000, 'still waiting'))]);
  for (const socket of sockets) socket.destroy();
  silent.close();
  expect(outcome).toMatchObject({ message: expect.stringContaining('timeout') });
  expect(performance.now() - startedAt).toBeLessThan(8_000);
});

test('a migration that a table in use holds up lets others at it, and comes when it is free', async () => {
  await migrate({ url, log });
  const folder = await folderWith('ALTER TABLE tenants ADD COLUMN later TEXT');
  const user = new Client({ connectionString: url });
  await user.connect();
  await user.query('BEGIN; SELECT FROM tenants');
  const told: string[] = [];
  const heard = createLogger({ level: 'info', name: 'test' }, { write: (line) => void told.push(line) });
  const migrating = migrate({ url, log: heard, folder });
  while (!told.some((line) => line.includes('gives way'))) await new Promise((resolve) => setTimeout(resolve, 20));
  // Behind a waiting ALTER TABLE this would wait as well.
  expect(await query(url, 'SELECT count(*)::int AS tenants FROM tenants')).toEqual([{ tenants: 0 }]);
  await user.query('COMMIT');
  await user.end();
  expect(await migrating).toEqual(['99991231000000_last']);
});
