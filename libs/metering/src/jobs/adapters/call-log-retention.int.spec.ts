import type { CallLoggedV1 } from '@switchboard/contracts';
import { createLogger, createMetrics, createPool, type Pool } from '@switchboard/platform';
import { openTestDatabase, type TestDatabase } from '../../__fixtures__/database';
import { call, daysAgo, requestIdAt } from '../../calls/__fixtures__/calls';
import { createCallStore } from '../../calls/call-store';
import { callLogRetention } from './call-log-retention';

jest.setTimeout(60_000);

const log = createLogger({ level: 'silent', name: 'test' });
let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await openTestDatabase(log);
  pool = createPool({ url: database.url, log, connectionsMax: 4 });
});

afterAll(async () => {
  await pool.end();
  await database.close();
});

beforeEach(async () => {
  await database.empty();
  await database.sql('DELETE FROM tenants');
});

const run = (signal = new AbortController().signal) =>
  callLogRetention({ pool, log, defaultDays: 30, batchRows: 3 }).run(signal);

async function store(calls: CallLoggedV1[]): Promise<void> {
  const store = createCallStore({ pool, log, metrics: createMetrics() });
  for (const one of calls) store.record(one);
  await store.drain(10_000);
  await store.close();
}

const callsOf = (tenantId: string, ages: number[]): CallLoggedV1[] =>
  ages.map((days, index) => {
    const atMs = daysAgo(days) - index;
    return call(requestIdAt(atMs, Math.floor(Math.random() * 2 ** 40)), { atMs, tenantId });
  });

async function left(): Promise<Record<string, number>> {
  const rows = await database.sql('SELECT tenant_id, count(*)::int AS n FROM call_log GROUP BY 1');
  return Object.fromEntries(rows.map(({ tenant_id, n }) => [tenant_id, n as number]));
}

async function partitions(): Promise<string[]> {
  const rows = await database.sql(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'call_log'::regclass ORDER BY 1`,
  );
  return rows.map(({ name }) => String(name));
}

const monthName = (monthsAhead: number): string => {
  const now = new Date();
  const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + monthsAhead, 1)).toISOString();
  return `call_log_${month.slice(0, 7).replace('-', '_')}`;
};

async function tenant(id: string, days: number | null): Promise<void> {
  const columns = 'id, name, managed_by, call_log_retention_days';
  await database.sql(`INSERT INTO tenants (${columns}) VALUES ('${id}', '${id}', 'api', ${days ?? 'NULL'})`);
}

test('each tenant’s calls go when that tenant keeps them no longer, in bounded steps', async () => {
  await tenant('short', 2);
  await tenant('long', 90);
  await tenant('standard', null);
  const ages = [0, 1.5, 3, 10, 29, 31, 32, 33, 34, 35, 36, 80, 91];
  await store(['short', 'long', 'standard', 'removed'].flatMap((id) => callsOf(id, ages)));
  await run();
  expect(await left()).toEqual({ short: 2, long: 12, standard: 5, removed: 5 });
  await run();
  expect(await left()).toEqual({ short: 2, long: 12, standard: 5, removed: 5 });
});

test('months to come have their partitions, with what came before them; months that nobody keeps are dropped', async () => {
  await tenant('long', 70);
  await database.sql(`DROP TABLE ${monthName(2)}; DROP TABLE ${monthName(1)}; DROP TABLE ${monthName(0)}`);
  for (const age of [-4, -3, -2]) {
    await database.sql(`SELECT call_log_add_month('${monthName(age).slice(9).replace('_', '-')}-01'::date)`);
  }
  await store([...callsOf('long', [0]), call('another-form', { atMs: Date.now(), tenantId: 'long' })]);
  expect(await partitions()).toEqual(['call_log_default', ...[-4, -3, -2].map(monthName)].sort());
  await run();
  // The 70 days reach into the second or third month before this one, but never into the fourth.
  expect(await partitions()).toEqual(expect.arrayContaining([-2, 0, 1, 2].map(monthName)));
  expect(await partitions()).not.toContain(monthName(-4));
  const rows = await database.sql(`SELECT tableoid::regclass::text AS name FROM call_log ORDER BY request_id`);
  expect(rows.map(({ name }) => name)).toEqual(['call_log_default', monthName(0)]);
  await expect(pool.query(`TRUNCATE ${monthName(0)}`)).rejects.toMatchObject({ code: 'CL001' });
});

test('runs at once do not disturb one another, nor those who store; one that is stopped ends early', async () => {
  await store(
    callsOf(
      'acme',
      Array.from({ length: 60 }, () => 40),
    ),
  );
  const stopped = AbortSignal.abort();
  await run(stopped);
  expect(await left()).toEqual({ acme: 60 });
  await Promise.all([run(), run(), run(), store(callsOf('acme', [0, 0, 0]))]);
  await run();
  expect(await left()).toEqual({ acme: 3 });
  const locks = await database.sql("SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory'");
  expect(locks).toEqual([{ n: 0 }]);
});
