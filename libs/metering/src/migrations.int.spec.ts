import { createLogger, createMetrics, createPool, migrate, type Pool } from '@switchboard/platform';
import { openTestDatabase, type TestDatabase } from './__fixtures__/database';
import { olderDatabase } from './__fixtures__/older-database';
import { event, idAt } from './__fixtures__/usage-events';
import { auditLedger } from './adapters/ledger-audit';
import { SpendingSums } from './adapters/spending-sums';
import { writeUsage } from './adapters/usage-insert';
import { partitionMaintenance } from './jobs/usage-partitions';
import { openUsageQueries } from './metering';

jest.setTimeout(60_000);

const LEDGER = '20261127120000_ledger';
const log = createLogger({ level: 'silent', name: 'test' });

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase(log);
});

afterAll(() => database.close());

const older = (name: string, statements: string): Promise<string> =>
  olderDatabase(database, { name, until: LEDGER, statements, log });

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
  const url = await older('with_rows', ROWS);
  expect(await migrate({ url, log })).toContain(LEDGER);
  expect(await auditLedger({ url, log })).toEqual({
    counts: {
      ...{ transactions: 5, entries: 9, usageRows: 1_000, corrections: 0, droppedRows: 0 },
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
  const url = await older('without_rows', 'SELECT 1');
  await migrate({ url, log });
  expect(await auditLedger({ url, log })).toMatchObject({
    counts: { transactions: 0, entries: 0, usageRows: 0, rollups: 0, tenants: 0 },
    breachCount: 0,
  });
});

describe('a database from before there were partitions', () => {
  const PARTITIONS = '20261128020000_usage_partitions';
  const rows = (ids: string): string => `
    INSERT INTO usage (request_id, tenant_id, key_id, requested_model, model, upstream, client_dialect, upstream_dialect, stream,
      input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
      cost_nano_usd, accuracy, started_at, latency_ms, attempts, finish, status, ledger_transaction_id)
    SELECT id, 'acme', 'key_1', 'm', 'm', 'u', 'd', 'd', false, 0, 0, 0, 0, 0, 0, 7, 'orphaned', '2026-05-20 10:00:00Z',
           1, 1, 'end_turn', 200, 1
      FROM unnest(ARRAY[${ids}]) AS id;
    INSERT INTO ledger_accounts VALUES ('tenant:acme', 'tenant', 'acme');
    INSERT INTO ledger_transactions (kind, reference) VALUES ('usage', 'usage:1');
    INSERT INTO ledger_entries SELECT 1, account, side * (SELECT sum(cost_nano_usd) FROM usage)
      FROM (VALUES ('tenant:acme', -1), ('platform:usage', 1)) AS sides (account, side);
    INSERT INTO usage_rollups SELECT '2026-05-20 10:00:00Z', 'acme', 'key_1', 'm', 'u', 'orphaned', count(*), 0, 0, 0, 0, 0, 0,
      sum(cost_nano_usd) FROM usage;`;
  const first = idAt(Date.parse('2026-05-20T10:00:00Z'), 1);
  const second = idAt(Date.parse('2026-05-20T10:00:00Z'), 2);

  const migrated = async (name: string, ids: string): Promise<{ url: string; own: Pool; file: unknown[] }> => {
    const url = await olderDatabase(database, { name, until: PARTITIONS, statements: rows(ids), log });
    const own = createPool({ url, log, connectionsMax: 1 });
    const { rows: file } = await own.query(`SELECT pg_relation_filenode('usage') AS file`);
    expect(await migrate({ url, log })).toContain(PARTITIONS);
    return { url, own, file };
  };

  test('keeps its rows where they are, as the partition of all there was, which goes as a whole', async () => {
    const { url, own, file } = await migrated('of_months', `'${first}', '${second}'`);
    const former = await own.query(`SELECT pg_relation_filenode('usage_before_months') AS file`);
    expect(former.rows).toEqual(file);
    const exact = event(first, { costNanoUsd: 3, startedAtMs: Date.parse('2026-05-20T10:00:00Z') });
    expect(await writeUsage(own, [exact, event(second, { accuracy: 'orphaned' })])).toMatchObject({ corrected: 1 });
    expect(await auditLedger({ url, log })).toMatchObject({ breachCount: 0, counts: { usageRows: 3 } });
    const keep = {
      pool: own,
      log,
      metrics: createMetrics(),
      retentionMonths: 3,
      nowMs: () => Date.now() + 200 * 86_400_000,
    };
    await partitionMaintenance(keep).run(new AbortController().signal);
    expect(await auditLedger({ url, log })).toMatchObject({ breachCount: 0, counts: { usageRows: 0, droppedRows: 3 } });
    expect((await writeUsage(own, [exact])).refused).toHaveLength(1);
    await own.end();
  });

  test('with ids that tell no month has them in the default partition, which stays', async () => {
    const { url, own } = await migrated('of_other_ids', `'${first}', 'another-kind'`);
    const { rows: found } = await own.query(`SELECT count(*)::int AS rows FROM usage_default`);
    expect(found).toEqual([{ rows: 2 }]);
    expect(await writeUsage(own, [event(first), event('another-kind')])).toMatchObject({ corrected: 2 });
    expect(await auditLedger({ url, log })).toMatchObject({ breachCount: 0, counts: { usageRows: 4 } });
    await own.end();
  });
});
