import { setTimeout as delay } from 'node:timers/promises';
import type { Pool, PoolClient } from '@switchboard/platform';
import type { Month } from '../core/month';
import { inTransaction } from './transaction';
import { ADD_MONTH, closeSql, dropSql, EXPIRED, explainedSql, recordSql, STATE } from './usage-partitions-sql';

/** Beside that of migrations. */
const ADVISORY_LOCK = 72707370;

/** Whoever comes after one that waits for a lock waits too: ingest is held up no longer than this. */
const LOCK_TIMEOUT_MS = 300;
/** Longer than a vacuum takes to give way; who waits meanwhile brings usage of months ago. */
const CLOSE_TIMEOUT_MS = 3_000;
/** Looking through the default partition, which it locks, takes 0.14 s for a million rows. */
const ATTACH_TIMEOUT_MS = 5_000;
/** Summing up a month reads all of it, and holds up nobody. */
const SUM_TIMEOUT_MS = 3_600_000;
const DROP_ATTEMPTS = 20;
const DROP_PAUSE_MS = 200;

const LOCK_NOT_AVAILABLE = '55P03';

/** What became of a month: `in default`: the default partition holds calls of it, which stay there, as do those to come. */
export type AddedMonth = 'added' | 'there' | 'in default';

export interface PartitionState {
  /** In the default partition. */
  defaultRows: number;
  /** When the oldest call that is kept began; null where there is none. */
  oldestMs: number | null;
}

/** @returns undefined where another process is at it. @throws the error of the database; then nothing was done. */
export async function addMonth(pool: Pool, month: Month): Promise<AddedMonth | undefined> {
  return alone(pool, async (client) => {
    await client.query(`SET LOCAL statement_timeout = ${ATTACH_TIMEOUT_MS}`);
    const { rows } = await client.query<{ outcome: AddedMonth }>(ADD_MONTH, [month]);
    return rows[0]?.outcome;
  });
}

/** Names of the partitions that hold nothing of `month` or later, the oldest first. */
export async function partitionsBefore(pool: Pool, month: Month): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(EXPIRED, [month]);
  return rows.map(({ name }) => name);
}

/**
 * Puts what the rows of a partition explained of the ledger into `usage_dropped`, and drops it, in one transaction.
 *
 * @returns how many rows it had; undefined where another process is at it, or has been.
 * @throws the error of the database, that of a lock it could not have among them; then nothing was done.
 */
export async function dropPartition(pool: Pool, name: string, signal: AbortSignal): Promise<number | undefined> {
  return alone(pool, async (client) => {
    const there = await client.query('SELECT FROM usage_partitions WHERE name = $1', [name]);
    if (there.rowCount === 0) return undefined;
    const partition = client.escapeIdentifier(name);
    await client.query(`SET LOCAL statement_timeout = ${SUM_TIMEOUT_MS}; SET LOCAL lock_timeout = ${CLOSE_TIMEOUT_MS}`);
    await client.query(closeSql(partition));
    const patient = { values: [name], query_timeout: SUM_TIMEOUT_MS };
    await client.query({ text: explainedSql(partition), ...patient });
    const { rows } = await client.query<{ rows: string }>({ text: recordSql(partition), ...patient });
    await dropSoon(client, partition, signal);
    return Number(rows[0]?.rows);
  });
}

export async function partitionState(pool: Pool): Promise<PartitionState> {
  const { rows } = await pool.query<PartitionState>(STATE);
  return rows[0] ?? { defaultRows: NaN, oldestMs: null };
}

/** What was summed up is not summed up again for each attempt. */
async function dropSoon(client: PoolClient, partition: string, signal: AbortSignal): Promise<void> {
  await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  for (let attempt = 1; ; attempt++) {
    await client.query('SAVEPOINT dropping');
    try {
      await client.query(dropSql(partition));
      return;
    } catch (error) {
      const lockedOut = (error as { code?: unknown }).code === LOCK_NOT_AVAILABLE;
      if (!lockedOut || attempt === DROP_ATTEMPTS || signal.aborted) throw error;
      await client.query('ROLLBACK TO SAVEPOINT dropping');
      await delay(DROP_PAUSE_MS);
    }
  }
}

/** In a transaction, unless another process is in one of these: undefined. */
async function alone<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T | undefined> {
  const aloneOrNot = async (client: PoolClient): Promise<T | undefined> => {
    const { rows } = await client.query<{ alone: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS alone', [
      ADVISORY_LOCK,
    ]);
    return rows[0]?.alone === true ? work(client) : undefined;
  };
  return inTransaction(pool, aloneOrNot, `BEGIN; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
}
