/**
 * Measures usage queries over a database of its own. For bench/src/usage-queries-main.ts, which may import none of this:
 * `measure-usage-queries.js ROWS RUNS` writes one line of JSON per question, QueryTimes.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { UsageFilter, UsageGrouping, UsageQueries } from '@switchboard/contracts';
import { createMetering } from '@switchboard/metering';
import {
  createLogger,
  createMetrics,
  createPool,
  type Logger,
  migrate,
  type Pool,
  startEmbeddedPostgres,
} from '@switchboard/platform';
import { FILL_ROLLUPS, fillDaySql, WORLD } from './measured-usage';

interface QueryTimes {
  scope: string;
  range: string;
  groupBy: UsageGrouping;
  groups: number;
  /** Milliseconds, one per run, as the caller of the port waits. */
  tookMs: number[];
}

const GROUPINGS: readonly UsageGrouping[] = ['tenant', 'key', 'model', 'upstream', 'hour', 'day'];
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Questions end about noon, within an hour: as far from whole days and hours as can be. */
const NOON_MS = 12 * HOUR_MS + 17 * 60_000;
const GROUPS_MAX = 1_000;
const LOAD_TIMEOUT_MS = 3_600_000;

async function main(): Promise<void> {
  const [rows = 10_000_000, runs = 30] = process.argv.slice(2).map(Number);
  const log = createLogger({ level: 'error', name: 'measure-usage-queries' }, process.stderr);
  const folder = await mkdtemp(path.join(tmpdir(), 'switchboard-usage-queries-'));
  // Postgres runs as a user of its own where we are root.
  await chmod(folder, 0o711);
  try {
    const postgres = await startEmbeddedPostgres({ dataDir: folder, log });
    try {
      await migrate({ url: postgres.url, log });
      const endMs = Math.floor(Date.now() / DAY_MS) * DAY_MS;
      await load({ url: postgres.url, log, rows, endMs });
      await measure({ url: postgres.url, log, runs, endMs });
    } finally {
      await postgres.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function load(options: { url: string; log: Logger; rows: number; endMs: number }): Promise<void> {
  const { url, log, rows, endMs } = options;
  const pool = createPool({ url, log, connectionsMax: 1, queryTimeoutMs: LOAD_TIMEOUT_MS });
  try {
    const firstMs = endMs - WORLD.days * DAY_MS;
    await pool.query(`SET synchronous_commit = off; SET work_mem = '256MB'; SET maintenance_work_mem = '256MB'`);
    await pool.query(
      `SELECT usage_add_month(month::date)
         FROM generate_series(date_trunc('month', to_timestamp($1) AT TIME ZONE 'UTC'),
                              to_timestamp($2) AT TIME ZONE 'UTC', interval '1 month') AS month`,
      [firstMs / 1_000, endMs / 1_000],
    );
    for (let day = 0; day < WORLD.days; day++) {
      await fillDay(pool, firstMs + day * DAY_MS, Math.round(rows / WORLD.days));
      if (day % 10 === 9) process.stderr.write(`${day + 1} of ${WORLD.days} days\n`);
    }
    for (const statement of FILL_ROLLUPS) await pool.query(statement);
    await pool.query('VACUUM ANALYZE');
  } finally {
    await pool.end();
  }
}

async function fillDay(pool: Pool, fromMs: number, rows: number): Promise<void> {
  await pool.query(fillDaySql(fromMs, rows));
}

async function measure(options: { url: string; log: Logger; runs: number; endMs: number }): Promise<void> {
  const { url, log, runs, endMs } = options;
  const metering = createMetering({ databaseUrl: url, logger: log, metrics: createMetrics() });
  const toMs = endMs - DAY_MS + NOON_MS;
  const ranges: [string, number | undefined][] = [
    ['1 hour', HOUR_MS],
    ['1 day', DAY_MS],
    ['30 days', 30 * DAY_MS],
    ['all', undefined],
  ];
  // The busiest: any other is faster.
  const scopes: [string, UsageFilter][] = [
    ['one tenant', { tenantId: WORLD.busiestTenant }],
    ['everything', {}],
  ];
  try {
    for (const [scope, filter] of scopes) {
      for (const [range, lengthMs] of ranges) {
        const span = lengthMs === undefined ? {} : { fromMs: toMs - lengthMs, toMs };
        for (const groupBy of GROUPINGS) {
          const times = await ask(metering.queries, { ...filter, ...span }, groupBy, runs);
          const told: QueryTimes = { scope, range, groupBy, ...times };
          process.stdout.write(`${JSON.stringify(told)}\n`);
        }
      }
    }
  } finally {
    await metering.close();
  }
}

/** The first answer warms the cache up and is not told. */
async function ask(
  queries: UsageQueries,
  filter: UsageFilter,
  groupBy: UsageGrouping,
  runs: number,
): Promise<{ groups: number; tookMs: number[] }> {
  const { totals } = await queries.totals(filter, groupBy, GROUPS_MAX);
  const tookMs: number[] = [];
  for (let run = 0; run < runs; run++) {
    const startedAt = performance.now();
    await queries.totals(filter, groupBy, GROUPS_MAX);
    tookMs.push(performance.now() - startedAt);
  }
  return { groups: totals.length, tookMs };
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
