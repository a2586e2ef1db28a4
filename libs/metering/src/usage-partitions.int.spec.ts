import { type UsageRecordedV1 } from '@switchboard/contracts';
import { createLogger, createMetrics, createPool, type Metrics, type Pool } from '@switchboard/platform';
import { openTestDatabase, type TestDatabase } from './__fixtures__/database';
import { event, idAt } from './__fixtures__/usage-events';
import { metricOf } from './__fixtures__/waiting';
import { auditLedger } from './adapters/ledger-audit';
import { SpendingSums } from './adapters/spending-sums';
import { writeUsage } from './adapters/usage-insert';
import { LOCK_CORRECTABLE } from './adapters/usage-insert-sql';
import { monthAt } from './core/month';
import { partitionMaintenance } from './jobs/usage-partitions';

jest.setTimeout(60_000);

const logged: string[] = [];
const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void logged.push(line) });

let database: TestDatabase;
let pool: Pool;
let metrics: Metrics;

beforeAll(async () => {
  database = await openTestDatabase(log);
  pool = createPool({ url: database.url, log, connectionsMax: 3 });
  // Who may do anything puts the months of this database where the tests have them.
  for (const { name } of await database.sql(`SELECT name FROM usage_partitions WHERE name <> 'usage_default'`)) {
    await database.sql(`DROP TABLE ${String(name)}`);
  }
});

afterAll(async () => {
  await pool.end();
  await database.close();
});

beforeEach(async () => {
  await database.empty();
  logged.length = 0;
  metrics = createMetrics();
});

const maintain = (now: string, retentionMonths?: number, signal = new AbortController().signal) =>
  partitionMaintenance({
    ...{ pool, log, metrics: createMetrics(), retentionMonths },
    nowMs: () => Date.parse(now),
  }).run(signal);

const partitions = async () =>
  (await database.sql('SELECT name FROM usage_partitions ORDER BY name')).map(({ name }) => name);

/** A call of this time. */
const at = (time: string, index: number, changes: Partial<UsageRecordedV1> = {}): UsageRecordedV1 =>
  event(idAt(Date.parse(time), index), { startedAtMs: Date.parse(time), costNanoUsd: 100 + index, ...changes });

const write = (...events: UsageRecordedV1[]) => writeUsage(pool, events);

const audited = async () => (await auditLedger({ url: database.url, log })).breaches;

/** A reader's lock is given up whatever becomes of `work`: the tests that follow need the table. */
async function whileSomebodyReads(table: string, work: () => Promise<void>): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(`BEGIN; SELECT FROM ${table}`);
    await work();
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

const reader = () => pool.query('SELECT count(*) FROM usage');

describe('months', () => {
  test('this one and the next three are made, once, by whoever of two replicas comes first', async () => {
    await Promise.all([maintain('2031-05-31T23:00:00Z'), maintain('2031-05-31T23:00:00Z')]);
    await maintain('2031-05-31T23:00:00Z');
    expect(await partitions()).toEqual([
      ...['usage_2031_05', 'usage_2031_06', 'usage_2031_07', 'usage_2031_08', 'usage_default'],
    ]);
    expect(logged.filter((line) => line.includes('made a partition'))).toHaveLength(4);
  });

  test('hold the calls whose ids were made in them, to the millisecond; other ids are in the default partition', async () => {
    await write(
      at('2031-05-01T00:00:00Z', 1),
      at('2031-05-31T23:59:59.999Z', 2),
      at('2031-06-01T00:00:00Z', 3),
      at('2031-04-30T23:59:59.999Z', 4),
      event('another-kind'),
    );
    const rows = await database.sql(`SELECT tableoid::regclass::text AS name, request_id FROM usage ORDER BY id`);
    expect(rows.map(({ name }) => name)).toEqual([
      ...['usage_2031_05', 'usage_2031_05', 'usage_2031_06', 'usage_default', 'usage_default'],
    ]);
  });

  test('are looked up by request id in the one that holds it', async () => {
    const { rows } = await pool.query<Record<string, string>>(`EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
      ${LOCK_CORRECTABLE.replace('$1', `'{${idAt(Date.parse('2031-06-05'))}}'`).replace('$2', `'{exact}'`)}`);
    const scans = rows.map((row) => String(row['QUERY PLAN'])).filter((line) => / on usage_(2031|default)/.test(line));
    expect(scans.filter((line) => !line.includes('never executed'))).toEqual([
      expect.stringContaining('usage_2031_06'),
    ]);
    expect(scans.length).toBeGreaterThan(1);
  });

  test('of which the default partition holds calls get none, it is told why, and usage is stored all the same', async () => {
    await write(at('2031-09-10T00:00:00Z', 1));
    await maintain('2031-07-01T00:00:00Z');
    expect(await partitions()).not.toContain('usage_2031_09');
    expect(await partitions()).toContain('usage_2031_10');
    expect(logged.filter((line) => line.includes('it gets no partition'))).toEqual([
      expect.stringContaining('2031-09-01'),
    ]);
    expect(await write(at('2031-09-10T00:00:00Z', 1), at('2031-09-11T00:00:00Z', 2))).toMatchObject({ stored: 1 });
  });

  test('are not waited for while somebody is at the default partition, and made the next time', async () => {
    await whileSomebodyReads('usage_default', async () => {
      const run = maintain('2031-08-01T00:00:00Z');
      await expect(run).rejects.toThrow(/partition of usage for 2031-11-01: .*lock timeout/);
    });
    await maintain('2031-08-01T00:00:00Z');
    expect(await partitions()).toContain('usage_2031_11');
  });

  test.each(['UPDATE % SET cost_nano_usd = 1', 'DELETE FROM %', 'TRUNCATE %'])(
    'take no %s, one made later neither',
    async (statement) => {
      await write(at('2031-05-01T00:00:00Z', 1), event('another-kind'), at('2031-11-01T00:00:00Z', 1));
      for (const table of ['usage', 'usage_2031_05', 'usage_default', 'usage_2031_11']) {
        await expect(pool.query(statement.replace('%', table))).rejects.toThrow('append-only');
      }
      expect(await reader()).toMatchObject({ rows: [{ count: '3' }] });
    },
  );
});

describe('retention', () => {
  const JULY = '2031-07-31T23:59:59.999Z';
  const state = async () => ({
    balances: await database.sql(`SELECT account_id, sum(amount_nano_usd) FROM ledger_entries GROUP BY 1 ORDER BY 1`),
    rollups: await database.sql(`SELECT * FROM usage_rollups ORDER BY 1, 2, 3, 4, 5, 6`),
    spent: await new SpendingSums(pool).sum({ tenantId: 'acme', fromMs: 0 }),
  });

  /** Two tenants; corrections, one of them of who pays; a batch over two months; free calls; the last moment of a month. */
  beforeEach(async () => {
    for (const month of ['2031-05-01', '2031-06-01', '2031-07-01', '2031-08-01']) {
      await database.sql(`SELECT usage_add_month('${month}')`);
    }
    const orphaned = { accuracy: 'orphaned', costNanoUsd: 5_000 } as const;
    await write(
      at('2031-06-10T10:10:00Z', 1),
      at('2031-06-10T10:20:00Z', 2, { tenantId: 'other', ...orphaned }),
      at('2031-08-10T10:10:00Z', 3, orphaned),
      at('2031-06-11T00:00:00Z', 4, { costNanoUsd: 0 }),
      event('another-kind', { startedAtMs: Date.parse('2031-06-10T10:30:00Z') }),
    );
    await write(at('2031-06-10T10:20:00Z', 2), at('2031-08-10T10:10:00Z', 3));
    // Its id is the last of July; the call itself began in August, in an hour that has another.
    await write(at(JULY, 5, { startedAtMs: Date.parse('2031-08-01T00:00:00Z') }), at('2031-08-01T00:10:00Z', 6));
    await write(at('2031-08-20T10:10:00Z', 7), at('2031-05-20T10:10:00Z', 8));
  });

  test('drops what is older than it keeps, and the books agree as before', async () => {
    const before = await state();
    await maintain('2031-11-30T12:00:00Z', 3);
    expect(await partitions()).toEqual(expect.not.arrayContaining(['usage_2031_05', 'usage_2031_06', 'usage_2031_07']));
    expect(await partitions()).toContain('usage_2031_08');
    expect(await audited()).toEqual([]);
    expect(await state()).toEqual(before);
    const { counts } = await auditLedger({ url: database.url, log });
    expect(counts).toMatchObject({ usageRows: 5, droppedRows: 6 });
    await maintain('2031-11-30T12:00:00Z', 3);
    expect(logged.filter((line) => line.includes('dropped usage'))).toHaveLength(3);
  });

  test('keeps everything where no number of months is set, and the months that it is set to', async () => {
    const all = await partitions();
    await maintain('2031-10-31T12:00:00Z');
    expect(await partitions()).toEqual(expect.arrayContaining(all));
    await maintain('2031-08-31T12:00:00Z', 3);
    expect(await partitions()).toEqual(expect.arrayContaining(all));
  });

  test('what comes again of a dropped month is refused with the reason, and is not billed twice; all else is stored', async () => {
    await maintain('2031-11-30T12:00:00Z', 3);
    const before = await state();
    const { stored, corrected, refused } = await write(
      at('2031-06-10T10:10:00Z', 1),
      // Knows more than what was dropped, or was never heard of.
      at('2031-06-10T10:20:00Z', 2),
      at('2031-07-31T23:59:59.999Z', 99),
      at('2031-08-10T10:10:00Z', 3),
    );
    expect([stored, corrected]).toEqual([0, 0]);
    expect(refused.map(({ error }) => error.message)).toEqual(
      Array(3).fill('older than the usage that is kept: it may have been billed before'),
    );
    expect(await state()).toEqual(before);
    expect(await write(at('2031-08-01T00:00:00Z', 50), event('of another kind'))).toMatchObject({ stored: 2 });
    expect(await audited()).toEqual([]);
  });

  test('tells how much is in the default partition, and since when calls are kept', async () => {
    const job = partitionMaintenance({
      ...{ pool, log, metrics, retentionMonths: 3, nowMs: () => Date.parse('2031-11-30T12:00:00Z') },
    });
    await job.run(new AbortController().signal);
    expect(await metricOf(metrics, 'usage_default_partition_rows')).toBe(1);
    expect(await metricOf(metrics, 'usage_oldest_seconds')).toBe(Date.parse('2031-06-10T10:30:00Z') / 1_000);
  });

  test('that cannot have the table for a moment drops nothing, and the next run does', async () => {
    const before = await state();
    await whileSomebodyReads('usage', async () => {
      const stopped = new AbortController();
      const run = maintain('2031-08-01T12:00:00Z', 1, stopped.signal);
      // By then an attempt has failed, or the next one does: it sees that it is to stop.
      setTimeout(() => stopped.abort(), 1_500);
      await expect(run).rejects.toThrow(/cannot drop usage_2031_05: .*lock timeout/);
    });
    expect(await state()).toEqual(before);
    expect(await database.sql('SELECT FROM usage_dropped')).toEqual([]);
    await maintain('2031-08-01T12:00:00Z', 1);
    expect(await partitions()).not.toContain('usage_2031_05');
    expect(await audited()).toEqual([]);
  });

  test.each([
    ['a sum of dropped rows is changed', `UPDATE usage_dropped SET cost_nano_usd = cost_nano_usd + 1`, 'rows of usage'],
    [
      'a sum of dropped rows is taken out',
      `DELETE FROM usage_dropped WHERE partition = 'usage_2031_05'`,
      'as it was counted',
    ],
    ['dropped rows are counted otherwise', `UPDATE usage_dropped SET rows = rows + 1`, 'as it was counted'],
    [
      'a rollup of a dropped month costs more',
      `UPDATE usage_rollups SET cost_nano_usd = cost_nano_usd + 1 WHERE hour < '2031-07-01'`,
      'rollups do not cost',
    ],
    [
      'a rollup of a month that is there has other tokens',
      `UPDATE usage_rollups SET output_tokens = 0 WHERE hour > '2031-08-02'`,
      'a rollup is not',
    ],
  ])('it is found when %s', async (_, statement, breach) => {
    await maintain('2031-11-30T12:00:00Z', 3);
    await database.sql(`SET session_replication_role = replica; ${statement}; SET session_replication_role = DEFAULT`);
    expect((await audited()).map((each) => each.breach)).toContainEqual(expect.stringContaining(breach));
  });

  test.each(['usage_dropped', 'usage_dropped_partitions'])('%s is append-only', async (table) => {
    await maintain('2031-11-30T12:00:00Z', 3);
    for (const statement of [`DELETE FROM ${table}`, `UPDATE ${table} SET rows = 1`, `TRUNCATE ${table}`]) {
      await expect(pool.query(statement)).rejects.toThrow('append-only');
    }
  });
});

test('a month is that of the process’s clock', async () => {
  await partitionMaintenance({ pool, log, metrics, retentionMonths: undefined }).run(new AbortController().signal);
  expect(await partitions()).toContain(`usage_${monthAt(Date.now()).slice(0, 7).replace('-', '_')}`);
});
