import { createLogger, createPool, type Pool } from '@switchboard/platform';
import { openTestDatabase, type TestDatabase } from './__fixtures__/database';
import { event } from './__fixtures__/usage-events';
import { auditLedger, type LedgerAudit } from './adapters/ledger-audit';
import { writeUsage } from './adapters/usage-insert';

jest.setTimeout(60_000);

const log = createLogger({ level: 'silent', name: 'test' });

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await openTestDatabase(log);
  pool = createPool({ url: database.url, log, connectionsMax: 1 });
});

afterAll(async () => {
  await pool.end();
  await database.close();
});

const audit = (): Promise<LedgerAudit> => auditLedger({ url: database.url, log });

/** As somebody does who may do anything. */
const tamper = (statement: string) =>
  pool.query(`SET session_replication_role = replica; ${statement}; SET session_replication_role = DEFAULT`);

/** Two tenants, three hours, a correction, a credit. */
beforeEach(async () => {
  await database.empty();
  await database.sql(`DELETE FROM credit_entries; DELETE FROM tenants`);
  const hour = (index: number) => ({ startedAtMs: Date.parse('2026-11-20T12:30:00Z') + index * 3_600_000 });
  await writeUsage(pool, [
    event('a', { ...hour(0), costNanoUsd: 10 }),
    event('b', { ...hour(1), costNanoUsd: 20, tenantId: 'other' }),
    event('c', { ...hour(2), costNanoUsd: 40, accuracy: 'orphaned' }),
  ]);
  await writeUsage(pool, [event('c', { ...hour(2), costNanoUsd: 30 })]);
  await pool.query(`
    INSERT INTO tenants (id, name, managed_by) VALUES ('acme', 'Acme', 'api');
    INSERT INTO credit_entries (id, tenant_id, amount_nano_usd, kind, actor) VALUES ('crd_1', 'acme', 500, 'top_up', 'me');
    WITH posting AS (INSERT INTO ledger_transactions (kind, reference) VALUES ('credit', 'credit:crd_1') RETURNING id)
    INSERT INTO ledger_entries SELECT id, account, amount FROM posting,
      (VALUES ('tenant:acme', 500), ('platform:credits', -500)) AS side (account, amount)`);
});

test('books that agree are balanced, and it is told how much was looked at', async () => {
  expect(await audit()).toEqual({
    counts: {
      ...{ transactions: 3, entries: 7, usageRows: 4, corrections: 1, droppedRows: 0 },
      ...{ rollups: 4, credits: 1, tenants: 2 },
    },
    breaches: [],
    breachCount: 0,
  });
});

const ENTRY = `transaction_id = (SELECT min(id) FROM ledger_transactions) AND account_id = 'tenant:acme'`;

test.each([
  ['an entry is changed', `UPDATE ledger_entries SET amount_nano_usd = -49 WHERE ${ENTRY}`, 'do not add up to 0'],
  ['an entry is taken out', `DELETE FROM ledger_entries WHERE ${ENTRY}`, 'do not add up to 0'],
  [
    'money is moved between tenants',
    `UPDATE ledger_entries SET amount_nano_usd = CASE account_id WHEN 'tenant:acme' THEN -51 ELSE -19 END
      WHERE transaction_id = (SELECT min(id) FROM ledger_transactions) AND account_id <> 'platform:usage'`,
    'is not what its rows of usage cost',
  ],
  [
    'a balanced transaction is added that no row explains',
    `INSERT INTO ledger_transactions VALUES (1000000, 'usage', 'usage:1000000');
     INSERT INTO ledger_entries VALUES (1000000, 'tenant:acme', -5), (1000000, 'platform:usage', 5)`,
    'is not what its rows of usage cost',
  ],
  [
    'a whole transaction is taken out',
    `DELETE FROM ledger_entries WHERE transaction_id = (SELECT min(id) FROM ledger_transactions)`,
    'is not what its rows of usage cost',
  ],
  [
    'the price of a call is changed',
    `UPDATE usage SET cost_nano_usd = 11 WHERE request_id = 'a'`,
    'rows of usage cost',
  ],
  ['the tokens of a call are changed', `UPDATE usage SET output_tokens = 1 WHERE request_id = 'a'`, 'a rollup is not'],
  ['a call is taken out', `DELETE FROM usage WHERE request_id = 'a'`, 'rows of usage cost'],
  [
    'a call is put in twice',
    `CREATE TEMP TABLE twice AS SELECT * FROM usage WHERE request_id = 'a';
     UPDATE twice SET id = 999, request_id = 'a again'; INSERT INTO usage SELECT * FROM twice; DROP TABLE twice`,
    'rows of usage cost',
  ],
  ['a correction is taken out', `DELETE FROM usage WHERE revision = 1`, 'rows of usage cost'],
  [
    'what a correction corrects is taken out',
    `DELETE FROM usage WHERE request_id = 'c' AND revision = 0`,
    'follow a less accurate',
  ],
  ['a correction knows less', `UPDATE usage SET accuracy = 'orphaned' WHERE revision = 1`, 'follow a less accurate'],
  [
    'a call names no transaction',
    `UPDATE usage SET ledger_transaction_id = 77, cost_nano_usd = 0 WHERE request_id = 'b'`,
    'does not name a transaction',
  ],
  [
    'a rollup is changed',
    `UPDATE usage_rollups SET cost_nano_usd = cost_nano_usd + 1 WHERE tenant_id = 'other'`,
    'a rollup is not',
  ],
  ['a rollup counts one more', `UPDATE usage_rollups SET requests = 2 WHERE tenant_id = 'other'`, 'a rollup is not'],
  ['a rollup is taken out', `DELETE FROM usage_rollups WHERE tenant_id = 'other'`, 'a rollup is not'],
  [
    'a rollup is another hour’s',
    `UPDATE usage_rollups SET hour = hour - interval '1 hour' WHERE tenant_id = 'other'`,
    'a rollup is not',
  ],
  ...['by_day', 'by_key_day', 'by_model_hour'].flatMap((name): [string, string, string][] => {
    const [table, breach] = [`usage_rollups_${name}`, `usage_rollups_${name} is not what`];
    return [
      [`a sum ${name} is changed`, `UPDATE ${table} SET output_tokens = 0`, breach],
      [`a sum ${name} is taken out`, `DELETE FROM ${table} WHERE requests > 0`, breach],
    ];
  }),
  ['a credit is changed', `UPDATE credit_entries SET amount_nano_usd = 501`, 'a credit is not posted'],
  ['a credit is taken out', `DELETE FROM credit_entries`, 'a credit is not posted'],
  [
    'a credit is not posted',
    `INSERT INTO credit_entries (id, tenant_id, amount_nano_usd, kind, actor) VALUES ('crd_2', 'acme', 5, 'top_up', 'me')`,
    'a credit is not posted',
  ],
  ['an account is taken out', `DELETE FROM ledger_accounts WHERE id = 'tenant:other'`, 'no transaction or no account'],
])('it is found when %s', async (_, statement, breach) => {
  await tamper(statement);
  const { breaches, breachCount } = await audit();
  expect(breachCount).toBeGreaterThan(0);
  expect(breaches.map((each) => each.breach)).toContainEqual(expect.stringContaining(breach));
  for (const { id, expected, found } of breaches) {
    expect(id).not.toBe('');
    expect(expected).not.toBe(found);
  }
});

test('whatever changes a rollup changes the coarser sums that it is part of', async () => {
  await pool.query(`UPDATE usage_rollups SET output_tokens = output_tokens + 7 WHERE tenant_id = 'acme'`);
  await pool.query(`DELETE FROM usage_rollups WHERE tenant_id = 'other'`);
  await pool.query(`
    INSERT INTO usage_rollups
    SELECT hour, 'third', key_id, model, upstream, accuracy, 1, 2, 3, 4, 5, 6, 7, 8 FROM usage_rollups LIMIT 1`);
  const { breaches, breachCount } = await audit();
  expect(breachCount).toBe(breaches.length);
  expect(breaches.filter(({ breach }) => breach.includes('usage_rollups_by'))).toEqual([]);
  const sums = await database.sql(
    `SELECT sum(requests)::int AS calls, sum(output_tokens)::int AS tokens FROM usage_rollups`,
  );
  for (const table of ['usage_rollups_by_day', 'usage_rollups_by_key_day', 'usage_rollups_by_model_hour']) {
    expect(
      await database.sql(`SELECT sum(requests)::int AS calls, sum(output_tokens)::int AS tokens FROM ${table}`),
    ).toEqual(sums);
  }
});

test('of many differences the first 20 are told, and how many there are', async () => {
  await writeUsage(
    pool,
    Array.from({ length: 50 }, (_, index) => event(`many_${index}`, { keyId: `key_${index}` })),
  );
  await tamper('UPDATE usage_rollups SET output_tokens = output_tokens + 1');
  const { breaches, breachCount } = await audit();
  // One of the fifty shares its rollup with an earlier call; sums by day and by hour are no longer theirs either.
  expect([breaches.length, breachCount]).toEqual([20, 53 + 52 + 52 + 1]);
  expect(breaches[0]).toMatchObject({ breach: 'a rollup is not what its calls add up to' });
});
