import type { Counter, Logger, Metrics, Pool, PoolClient } from '@switchboard/platform';
import { inTransaction } from '../../adapters/transaction';
import type { Job } from '../job';
import { ANY_DIFFERS, LOCK_ROLLUPS, REPAIR } from './rollup-repair-sql';

interface Parts {
  pool: Pool;
  log: Logger;
  metrics: Metrics;
  /** How many hours back, the current one included; 48 by default. */
  hours?: number | undefined;
}

/** What a rollup was, and what its calls add up to; null: there was none, there are none. */
interface Repair {
  rollup: Record<string, unknown>;
  before: Record<string, number> | null;
  after: Record<string, number> | null;
}

const HOUR_MS = 3_600_000;
const HOURS = 48;
/** Ingest waits behind whoever waits for the lock. */
const BEGIN = `BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = 1000; SET LOCAL idle_in_transaction_session_timeout = 5000`;

/**
 * Compares the rollups of the last two days with their calls, an hour at a time, and puts right those that differ. None
 * does unless something of ours has a fault, or somebody changed them by hand: each is told as an error and counted.
 */
export function rollupRepair({ pool, log, metrics, hours = HOURS }: Parts): Job {
  const repairs = metrics.counter({
    name: 'rollup_repairs_total',
    help: 'Hourly sums that were not what their calls add up to, and were put right. Alert on any.',
  });
  return {
    name: 'rollup-repair',
    everyMs: HOUR_MS,
    run: async (signal) => {
      const latest = Math.floor(Date.now() / HOUR_MS);
      // One hour more, for calls by a clock that is ahead.
      for (let hour = latest - hours + 1; hour <= latest + 1 && !signal.aborted; hour++) {
        await repairHour(hour, { pool, log, repairs });
      }
    },
  };
}

async function repairHour(
  hour: number,
  { pool, log, repairs }: { pool: Pool; log: Logger; repairs: Counter },
): Promise<void> {
  const range = [hour, hour + 1].map((one) => new Date(one * HOUR_MS).toISOString());
  const { rows } = await pool.query<{ differs: boolean }>(ANY_DIFFERS, range);
  if (rows[0]?.differs !== true) return;
  for (const repair of await inTransaction(pool, (client) => repairUnderLock(client, range), BEGIN)) {
    repairs.inc();
    log.error(repair, 'a rollup was not what its calls add up to, and was put right');
  }
}

async function repairUnderLock(client: PoolClient, range: readonly string[]): Promise<Repair[]> {
  await client.query(LOCK_ROLLUPS);
  const { rows } = await client.query<Repair>(REPAIR, [...range]);
  return rows;
}
