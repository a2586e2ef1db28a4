import { InvalidCursorError } from '@switchboard/contracts';
import { createLogger, createMetrics, createPool, type Pool } from '@switchboard/platform';
import { openTestDatabase, type TestDatabase } from '../../__fixtures__/database';
import { event } from '../../__fixtures__/usage-events';
import { metricOf, until } from '../../__fixtures__/waiting';
import { auditLedger } from '../../adapters/ledger-audit';
import { writeUsage } from '../../adapters/usage-insert';
import { LedgerGauges } from '../../ledger-gauges';
import { openUsageQueries } from '../../metering';
import { reconciliation, type ReconciliationParts } from './reconciliation';

jest.setTimeout(60_000);

const quiet = createLogger({ level: 'silent', name: 'test' });

let database: TestDatabase;
let pool: Pool;
let lines: Record<string, unknown>[];

beforeAll(async () => {
  database = await openTestDatabase(quiet);
  pool = createPool({ url: database.url, log: quiet, connectionsMax: 2 });
});

afterAll(async () => {
  await pool.end();
  await database.close();
});

/** As somebody does who may do anything. */
const tamper = (statement: string) =>
  pool.query(`SET session_replication_role = replica; ${statement}; SET session_replication_role = DEFAULT`);

beforeEach(async () => {
  lines = [];
  await database.empty();
  await tamper('TRUNCATE reconciliations');
  await writeUsage(pool, [event('a', { costNanoUsd: 10 }), event('b', { costNanoUsd: 20, tenantId: 'other' })]);
});

const backlog = { pending: 2, unacknowledged: 1, redelivered: 1, lastSequence: 9, acknowledgedSequence: 6 };

async function run(
  stream: ReconciliationParts['stream'] = () => Promise.resolve(backlog),
  signal = new AbortController().signal,
) {
  const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void lines.push(JSON.parse(line)) });
  await reconciliation({ pool, databaseUrl: database.url, log, stream }).run(signal);
}

async function listed(page: { limit: number; cursor?: string } = { limit: 10 }) {
  const { reconciliations, close } = openUsageQueries(database.url, quiet);
  try {
    return await reconciliations.list(page);
  } finally {
    await close();
  }
}

const aDayLater = () => tamper(`UPDATE reconciliations SET finished_at = finished_at - interval '1 day'`);

test('what balances is kept with what was looked at and what was on its way, once a day', async () => {
  const startedAtMs = Date.now();
  await run();
  const { records } = await listed();
  expect(records).toMatchObject([
    { balanced: true, differenceCount: 0, differences: [], counts: { usageRows: 2, rollups: 2 }, stream: backlog },
  ]);
  expect(records[0]?.startedAtMs).toBeGreaterThanOrEqual(startedAtMs);
  expect(records[0]?.finishedAtMs).toBeGreaterThanOrEqual(records[0]!.startedAtMs);
  await run();
  expect((await listed()).records).toHaveLength(1);
  await aDayLater();
  await run();
  expect((await listed()).records).toHaveLength(2);
  expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
    ['info', 'the ledger is balanced'],
    ['info', 'the ledger is balanced'],
  ]);
});

test('what does not balance is kept with the differences, and told as an error; the gauges say so everywhere', async () => {
  const metrics = createMetrics();
  const gauges = new LedgerGauges({ pool, metrics });
  await gauges.read();
  expect(await metricOf(metrics, 'ledger_balanced')).toBeNaN();
  await run();
  await gauges.read();
  expect(await metricOf(metrics, 'ledger_balanced')).toBe(1);
  await tamper(`UPDATE usage SET cost_nano_usd = 11 WHERE request_id = 'a'`);
  await aDayLater();
  await run();
  await gauges.read();
  expect(await metricOf(metrics, 'ledger_balanced')).toBe(0);
  expect(Math.abs((await metricOf(metrics, 'ledger_reconciled_timestamp_seconds')) - Date.now() / 1_000)).toBeLessThan(
    60,
  );
  const [latest] = (await listed()).records;
  expect(latest).toMatchObject({ balanced: false });
  expect(latest?.differences).toContainEqual(expect.objectContaining({ expected: '-11', found: '-10' }));
  expect(lines.at(-1)).toMatchObject({
    level: 'error',
    msg: 'the ledger is not balanced',
    differences: latest?.differences,
  });
});

test('a bus that is away keeps nothing from being reconciled', async () => {
  await run(() => Promise.reject(new Error('nats is away')));
  const [record] = (await listed()).records;
  expect(record).toMatchObject({ balanced: true });
  expect(record).not.toHaveProperty('stream');
});

test('pages follow one another, the latest first, and end; another cursor is refused', async () => {
  for (let day = 0; day < 3; day++) {
    await run();
    await aDayLater();
  }
  const first = await listed({ limit: 2 });
  const second = await listed({ limit: 2, cursor: first.nextCursor! });
  const ids = [...first.records, ...second.records].map(({ id }) => Number(id));
  expect(ids).toEqual([...ids].sort((a, b) => b - a));
  expect([ids.length, second.nextCursor]).toEqual([3, undefined]);
  await expect(listed({ limit: 2, cursor: 'nonsense' })).rejects.toThrow(InvalidCursorError);
});

test.each(['UPDATE reconciliations SET balanced = false', 'DELETE FROM reconciliations', 'TRUNCATE reconciliations'])(
  'it cannot be changed afterwards: %s',
  async (statement) => {
    await run();
    await expect(pool.query(statement)).rejects.toThrow('append-only');
  },
);

test('a stop ends an audit, and nothing of it is kept or goes on in the database', async () => {
  const stop = new AbortController();
  const holder = await pool.connect();
  await holder.query('BEGIN; LOCK TABLE ledger_entries IN ACCESS EXCLUSIVE MODE');
  try {
    const running = run(undefined, stop.signal);
    const waiting = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%ledger_entries%'`;
    const count = async () => (await database.sql(waiting))[0]?.['count'];
    await until(async () => (await count()) === 1);
    stop.abort();
    await expect(running).rejects.toThrow();
    await until(async () => (await count()) === 0);
  } finally {
    holder.release(true);
  }
  expect((await listed()).records).toEqual([]);
  expect((await auditLedger({ url: database.url, log: quiet })).breachCount).toBe(0);
});
