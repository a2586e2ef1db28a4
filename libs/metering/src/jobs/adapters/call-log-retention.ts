import type { Logger, Pool, PoolClient } from '@switchboard/platform';
import type { Job } from '../job';

export interface CallLogRetentionOptions {
  pool: Pool;
  log: Logger;
  /** For tenants that have no retention of their own; default 30. */
  defaultDays?: number | undefined;
  /** Rows that one statement takes out; default 2,000. */
  batchRows?: number;
}

const HOUR_MS = 3_600_000;
const MONTHS_AHEAD = 2;
const DEFAULT_DAYS = 30;
const BATCH_ROWS = 2_000;
/** Of the transactions that change the partitions: calls are stored meanwhile, and must not wait long for them. */
const LOCK_TIMEOUT_MS = 2_000;
const ADVISORY_LOCK = 0x63616c6c;

/** Tenants whose calls are there, each found through the index, and how long theirs are kept. */
const RETENTIONS = `
  WITH RECURSIVE known AS (
    (SELECT tenant_id FROM call_log ORDER BY tenant_id LIMIT 1)
     UNION ALL
    SELECT (SELECT next.tenant_id FROM call_log AS next WHERE next.tenant_id > known.tenant_id ORDER BY 1 LIMIT 1)
      FROM known WHERE known.tenant_id IS NOT NULL)
  SELECT known.tenant_id, coalesce(tenants.call_log_retention_days, $1)::int AS days
    FROM known LEFT JOIN tenants ON tenants.id = known.tenant_id
   WHERE known.tenant_id IS NOT NULL`;

/** Months that ended before even the longest retention began. */
const EXPIRED_MONTHS = `
  SELECT part.relname AS name
    FROM pg_inherits JOIN pg_class AS part ON part.oid = inhrelid
   WHERE inhparent = 'call_log'::regclass AND part.relname ~ '^call_log_\\d{4}_\\d\\d$'
     AND (to_date(right(part.relname, 7), 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC'
         <= now() - make_interval(days => greatest($1, (SELECT max(call_log_retention_days) FROM tenants)))
   ORDER BY 1`;

const ADD_MONTHS = `
  SELECT call_log_add_month(((now() AT TIME ZONE 'UTC') + make_interval(months => month))::date)
    FROM generate_series(0, ${MONTHS_AHEAD}) AS month`;

/**
 * Makes the partitions of the months to come, drops those that nobody keeps any more, and takes out what is older than its
 * tenant keeps it. Each step is whole by itself; what is left undone the next run does.
 */
export function callLogRetention(options: CallLogRetentionOptions): Job {
  return { name: 'call-log-retention', everyMs: HOUR_MS, run: (signal) => runOnce(options, signal) };
}

async function runOnce(options: CallLogRetentionOptions, signal: AbortSignal): Promise<void> {
  const client = await options.pool.connect();
  let failure: unknown;
  try {
    const { rows } = await client.query<{ alone: boolean }>('SELECT pg_try_advisory_lock($1) AS alone', [
      ADVISORY_LOCK,
    ]);
    if (rows[0]?.alone !== true) return;
    try {
      await changePartitions(client, options);
      await expireCalls(client, options, signal);
    } finally {
      await client.query('SELECT pg_advisory_unlock($1)', [ADVISORY_LOCK]);
    }
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    // The lock goes with the connection, which is in doubt.
    client.release(failure === undefined ? undefined : (failure as Error));
  }
}

async function changePartitions(
  client: PoolClient,
  { log, defaultDays = DEFAULT_DAYS }: CallLogRetentionOptions,
): Promise<void> {
  await briefly(client, ADD_MONTHS);
  const { rows } = await client.query<{ name: string }>(EXPIRED_MONTHS, [defaultDays]);
  for (const { name } of rows) {
    await briefly(client, `DROP TABLE ${name}`);
    log.info({ partition: name }, 'a month of the call log has expired');
  }
}

/** Waits for locks no longer than those who store calls can. */
async function briefly(client: PoolClient, statement: string): Promise<void> {
  await client.query(`BEGIN; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; ${statement}; COMMIT`);
}

async function expireCalls(
  client: PoolClient,
  { log, defaultDays = DEFAULT_DAYS, batchRows = BATCH_ROWS }: CallLogRetentionOptions,
  signal: AbortSignal,
): Promise<void> {
  const { rows: retentions } = await client.query<{ tenant_id: string; days: number }>(RETENTIONS, [defaultDays]);
  for (const { tenant_id: tenantId, days } of retentions) {
    let expired = 0;
    for (let count = batchRows; count === batchRows && !signal.aborted;) {
      const { rows } = await client.query<{ count: number }>('SELECT call_log_expire($1, $2, $3) AS count', [
        ...[tenantId, days, batchRows],
      ]);
      count = rows[0]?.count ?? 0;
      expired += count;
    }
    if (expired > 0) log.info({ tenantId, days, calls: expired }, 'calls of the call log have expired');
  }
}
