import type { LedgerDifference } from '@switchboard/contracts';
import { createPool, type Logger, type PoolClient } from '@switchboard/platform';
import { LEDGER_COUNTS, LEDGER_RULES } from './ledger-audit-sql';

/** Each statement reads whole tables; nobody's call waits for it. */
const QUERY_TIMEOUT_MS = 3_600_000;
const SHOWN = 20;
/** The server notices within a second that nobody waits for the answer any more. */
const BEGIN = `BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL client_connection_check_interval = 1000`;

export interface LedgerAudit {
  counts: {
    transactions: number;
    entries: number;
    usageRows: number;
    /** Of them, those that correct another. */
    corrections: number;
    /** Rows that retention has dropped; their sums were looked at. */
    droppedRows: number;
    rollups: number;
    credits: number;
    tenants: number;
  };
  /** The first 20. */
  breaches: LedgerDifference[];
  /** All of them; 0: the ledger is balanced. */
  breachCount: number;
}

/**
 * Computes everything anew from the rows of usage and credits, and compares. One snapshot: what is stored meanwhile is not
 * in it, and nothing waits for it. Ends early, with an error, when `signal` aborts.
 *
 * @throws the error of the database.
 */
export async function auditLedger(options: { url: string; log: Logger; signal?: AbortSignal }): Promise<LedgerAudit> {
  const { url, log, signal } = options;
  const pool = createPool({ url, log, connectionsMax: 1, queryTimeoutMs: QUERY_TIMEOUT_MS });
  try {
    const client = await pool.connect();
    // Closed, not reused: the transaction ends with it.
    const close = (): void => client.release(true);
    signal?.addEventListener('abort', close, { once: true });
    try {
      await client.query(BEGIN);
      // Before the snapshot is taken: no partition that is in it is dropped under it.
      await client.query('LOCK TABLE usage IN ACCESS SHARE MODE');
      return await auditIn(client);
    } finally {
      signal?.removeEventListener('abort', close);
      if (signal?.aborted !== true) close();
    }
  } finally {
    await pool.end();
  }
}

async function auditIn(client: PoolClient): Promise<LedgerAudit> {
  const { rows } = await client.query<Record<keyof LedgerAudit['counts'], string>>(LEDGER_COUNTS);
  const counted = Object.entries(rows[0] ?? {}).map(([name, count]) => [name, Number(count)]);
  const breaches: LedgerDifference[] = [];
  let breachCount = 0;
  for (const { breach, sql } of LEDGER_RULES) {
    const found = await client.query<Omit<LedgerDifference, 'breach'> & { total: string }>(
      `SELECT id, expected, found, count(*) OVER () AS total FROM (${sql}) AS breaches ORDER BY id LIMIT ${SHOWN}`,
    );
    breachCount += Number(found.rows[0]?.total ?? 0);
    for (const { id, expected, found: actual } of found.rows) breaches.push({ breach, id, expected, found: actual });
  }
  const counts = Object.fromEntries(counted) as LedgerAudit['counts'];
  return { counts, breaches: breaches.slice(0, SHOWN), breachCount };
}
