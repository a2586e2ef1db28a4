import { cp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { createLogger, createPool, migrate } from '@switchboard/platform';
import { openTestDatabase, type TestDatabase } from './__fixtures__/database';
import { event } from './__fixtures__/usage-events';
import { auditLedger } from './adapters/ledger-audit';
import { SpendingSums } from './adapters/spending-sums';
import { writeUsage } from './adapters/usage-insert';
import { openUsageQueries } from './metering';

jest.setTimeout(60_000);

const MIGRATIONS = path.join(__dirname, '../../../prisma/migrations');
const LEDGER = '20261127120000_ledger';
const log = createLogger({ level: 'silent', name: 'test' });

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase(log);
});

afterAll(() => database.close());

/** A database as the release before the ledger left it. */
async function olderDatabase(name: string, statements: string): Promise<string> {
  await database.sql(`CREATE DATABASE ${name}`);
  const url = database.url.replace(/\/[^/]*$/, `/${name}`);
  const folder = path.join(database.folder, `migrations-${name}`);
  await cp(MIGRATIONS, folder, { recursive: true });
  const later = (await readdir(folder)).filter((name) => /^\d/.test(name) && name >= LEDGER);
  for (const name of later) await rm(path.join(folder, name), { recursive: true });
  await migrate({ url, log, folder });
  const pool = createPool({ url, log });
  await pool.query(statements);
  await pool.end();
  return url;
}

const ROWS = `
  INSERT INTO usage (request_id, tenant_id, key_id, requested_model, model, upstream, client_dialect, upstream_dialect, stream,
    input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
    cost_nano_usd, accuracy, started_at, latency_ms, attempts, finish, status)
  SELECT 'req_' || n, CASE n % 3 WHEN 0 THEN 'other' ELSE 'acme' END, 'key_' || n % 4, 'sonnet', 'm' || n % 2, 'u', 'anthropic-messages',
    'openai-chat', false, n, 1, 2, 3, 4, 5, n * 1000, CASE n % 10 WHEN 0 THEN 'orphaned' ELSE 'exact' END,
    TIMESTAMPTZ '2026-11-20 10:00:00Z' + n * interval '17 minutes', 1, 1, 'end_turn', 200
    FROM generate_series(1, 1000) AS n;
  INSERT INTO tenants (id, name, managed_by) VALUES ('acme', 'Acme', 'api'), ('idle', 'Idle', 'api');
  INSERT INTO credit_entries (id, tenant_id, amount_nano_usd, kind, actor)
  VALUES ('crd_1', 'acme', 5000, 'opening', 'me'), ('crd_2', 'acme', 70, 'top_up', 'me'), ('crd_3', 'idle', 9, 'top_up', 'me'),
         ('crd_4', 'idle', 0, 'opening', 'me');`;

test('a database with usage and credits gets its ledger and rollups from them, and goes on', async () => {
  const url = await olderDatabase('with_rows', ROWS);
  expect(await migrate({ url, log })).toContain(LEDGER);
  expect(await auditLedger({ url, log })).toEqual({
    counts: {
      ...{ transactions: 5, entries: 9, usageRows: 1_000, corrections: 0 },
      ...{ rollups: expect.any(Number), credits: 4, tenants: 3 },
    },
    breaches: [],
    breachCount: 0,
  });
  const pool = createPool({ url, log });
  const { queries, close } = openUsageQueries(url, log);
  const { totals } = await queries.totals({}, 'model', 10);
  expect(totals.map(({ group, requests, costNanoUsd }) => [group, requests, costNanoUsd])).toEqual([
    ['m0', 500n, 250_500_000n],
    ['m1', 500n, 250_000_000n],
  ]);
  // req_10 was an orphan of 10,000; req_11 was exact.
  const late = [
    event('req_10', { costNanoUsd: 1 }),
    event('req_11', { costNanoUsd: 1 }),
    event('new', { costNanoUsd: 1 }),
  ];
  expect(await writeUsage(pool, late)).toEqual({ stored: 1, corrected: 1, refused: [] });
  expect(await new SpendingSums(pool).sum({ tenantId: 'acme', fromMs: 0 })).toBe(
    500_500_000 - 166_833_000 - 10_000 + 2,
  );
  expect(await auditLedger({ url, log })).toMatchObject({
    breachCount: 0,
    counts: { transactions: 7, corrections: 1 },
  });
  await Promise.all([pool.end(), close()]);
});

test('an empty database gets a ledger with nothing in it', async () => {
  const url = await olderDatabase('without_rows', 'SELECT 1');
  await migrate({ url, log });
  expect(await auditLedger({ url, log })).toMatchObject({
    counts: { transactions: 0, entries: 0, usageRows: 0, rollups: 0, tenants: 0 },
    breachCount: 0,
  });
});
