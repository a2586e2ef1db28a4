import { createLogger, createMetrics, createPool, type Metrics, type Pool } from '@switchboard/platform';
import { openTestDatabase, type TestDatabase } from '../../__fixtures__/database';
import { event } from '../../__fixtures__/usage-events';
import { metricOf } from '../../__fixtures__/waiting';
import { auditLedger } from '../../adapters/ledger-audit';
import { writeUsage } from '../../adapters/usage-insert';
import { rollupRepair } from './rollup-repair';
import { LOCK_ROLLUPS } from './rollup-repair-sql';

jest.setTimeout(60_000);

const quiet = createLogger({ level: 'silent', name: 'test' });
const HOUR_MS = 3_600_000;
/** Half past, so that a call of an hour stays in it. */
const NOW_MS = Math.floor(Date.now() / HOUR_MS) * HOUR_MS + HOUR_MS / 2;
const ago = (hours: number) => ({ startedAtMs: NOW_MS - hours * HOUR_MS });

type Sums = Record<string, number> | null;

let database: TestDatabase;
let pool: Pool;
let metrics: Metrics;
let lines: { level: string; rollup: unknown; before: Sums; after: Sums }[];

beforeAll(async () => {
  database = await openTestDatabase(quiet);
  pool = createPool({ url: database.url, log: quiet, connectionsMax: 4 });
});

afterAll(async () => {
  await pool.end();
  await database.close();
});

beforeEach(async () => {
  await database.empty();
  lines = [];
  metrics = createMetrics();
});

async function repair(hours?: number): Promise<void> {
  const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void lines.push(JSON.parse(line)) });
  await rollupRepair({ pool, log, metrics: (metrics = createMetrics()), hours }).run(new AbortController().signal);
}

const breaches = async () => (await auditLedger({ url: database.url, log: quiet })).breachCount;

async function calls(): Promise<void> {
  await writeUsage(pool, [
    event('a', { ...ago(0), costNanoUsd: 10 }),
    event('b', { ...ago(5), costNanoUsd: 20, tenantId: 'other' }),
    event('c', { ...ago(46), costNanoUsd: 40, accuracy: 'orphaned' }),
    event('d', { ...ago(-1), costNanoUsd: 5 }),
  ]);
  await writeUsage(pool, [event('c', { ...ago(46), costNanoUsd: 30 })]);
}

test('of rollups that agree none is touched, those that a correction left with nothing among them', async () => {
  await calls();
  const before = await database.sql('SELECT xmin, * FROM usage_rollups ORDER BY hour, accuracy');
  await repair();
  expect(await database.sql('SELECT xmin, * FROM usage_rollups ORDER BY hour, accuracy')).toEqual(before);
  expect(before).toHaveLength(5);
  expect([lines, await metricOf(metrics, 'rollup_repairs_total')]).toEqual([[], 0]);
});

test.each([
  ['changed', `UPDATE usage_rollups SET cost_nano_usd = 7 WHERE tenant_id = 'other'`, { cost_nano_usd: 7 }, 20],
  ['taken out', `DELETE FROM usage_rollups WHERE tenant_id = 'other'`, null, 20],
  [
    'put in',
    `INSERT INTO usage_rollups SELECT hour, 'forged', key_id, model, upstream, accuracy, 1, 2, 3, 4, 5, 6, 7, 8
       FROM usage_rollups WHERE tenant_id = 'other'`,
    { cost_nano_usd: 8 },
    undefined,
  ],
])('one that was %s is put right, told with what it was and is, and counted', async (_, sql, before, after) => {
  await calls();
  await database.sql(sql);
  expect(await breaches()).toBeGreaterThan(0);
  await repair();
  expect(await breaches()).toBe(0);
  expect(lines).toMatchObject([{ level: 'error', before }]);
  expect(lines[0]?.after?.['cost_nano_usd']).toBe(after);
  expect(lines[0]?.rollup).toMatchObject({ key_id: 'key_1', accuracy: 'exact' });
  expect(await metricOf(metrics, 'rollup_repairs_total')).toBe(1);
  await repair();
  expect(lines).toHaveLength(1);
});

test('one that was moved to another hour leaves a gap and stands where none belongs, and all of two days are looked at', async () => {
  await calls();
  await database.sql(`UPDATE usage_rollups SET hour = hour - interval '1 hour' WHERE requests > 0`);
  await repair();
  expect(await breaches()).toBe(0);
  expect(await metricOf(metrics, 'rollup_repairs_total')).toBe(7);
});

test('while usage is stored, repairs and what they repair break no sum', async () => {
  let repairs = 0;
  let stored = 0;
  const writers = Array.from({ length: 3 }, async (_, writer) => {
    for (let batch = 0; repairs < 12; batch++) {
      const of = (index: number, accuracy: 'orphaned' | 'exact') =>
        event(`${writer}_${batch}_${index}`, { ...ago(index % 3), keyId: `key_${index % 4}`, accuracy });
      const places = Array.from({ length: 20 }, (_each, index) => index);
      await writeUsage(
        pool,
        places.map((index) => of(index, index % 2 === 0 ? 'orphaned' : 'exact')),
      );
      await writeUsage(
        pool,
        places.map((index) => of(index, 'exact')),
      );
      stored += places.length;
    }
  });
  for (; repairs < 12; repairs++) {
    // Locked, for rows that are changed in any order are a deadlock with ingest, which takes a second to be noticed.
    await database.sql(`BEGIN; ${LOCK_ROLLUPS}; UPDATE usage_rollups SET requests = requests + 1; COMMIT`);
    await repair(3);
  }
  await Promise.all(writers);
  // What was tampered with was put right, and no repair made work for the next.
  for (const { before, after } of lines) {
    const excess = Object.entries(before ?? {}).map(([name, sum]) => [name, sum - (after?.[name] ?? 0)]);
    expect(excess).toEqual(excess.map(([name]) => [name, name === 'requests' ? 1 : 0]));
  }
  expect(await breaches()).toBe(0);
  const [sums] = await database.sql('SELECT sum(requests)::int AS requests FROM usage_rollups');
  expect(sums).toEqual({ requests: stored });
});

test('a lock that is not to be had fails the run, and nothing is changed', async () => {
  await calls();
  await database.sql(`UPDATE usage_rollups SET requests = 9`);
  const holder = await pool.connect();
  await holder.query('BEGIN; LOCK TABLE usage_rollups IN ROW EXCLUSIVE MODE');
  try {
    await expect(repair()).rejects.toThrow('lock timeout');
  } finally {
    holder.release(true);
  }
  await repair();
  expect(await breaches()).toBe(0);
});
