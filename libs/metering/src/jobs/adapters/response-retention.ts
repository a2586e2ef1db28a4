import type { Logger, Pool } from '@switchboard/platform';
import type { Job } from '../job';

export interface ResponseRetentionOptions {
  pool: Pool;
  log: Logger;
  /** Rows that one statement takes out; default 500: each may have megabytes. */
  batchRows?: number;
}

const HOUR_MS = 3_600_000;
const BATCH_ROWS = 500;

const EXPIRE = (which: string): string => `
  DELETE FROM stored_responses WHERE (tenant_id, response_id) IN (
    SELECT tenant_id, response_id FROM stored_responses WHERE ${which}
     ORDER BY tenant_id, response_id LIMIT $1 FOR UPDATE SKIP LOCKED)`;

const STEPS = [
  { text: EXPIRE('expires_at <= now()'), told: 'stored responses have expired' },
  {
    text: EXPIRE('NOT EXISTS (SELECT 1 FROM tenants WHERE tenants.id = stored_responses.tenant_id)'),
    told: 'stored responses of tenants that were removed are gone',
  },
];

/** Takes out, with their parts, responses that have expired and those of tenants that are no more. */
export function responseRetention(options: ResponseRetentionOptions): Job {
  return { name: 'response-retention', everyMs: HOUR_MS, run: (signal) => runOnce(options, signal) };
}

async function runOnce(
  { pool, log, batchRows = BATCH_ROWS }: ResponseRetentionOptions,
  signal: AbortSignal,
): Promise<void> {
  for (const { text, told } of STEPS) {
    let gone = 0;
    for (let count = batchRows; count === batchRows && !signal.aborted; gone += count) {
      count = (await pool.query(text, [batchRows])).rowCount ?? 0;
    }
    if (gone > 0) log.info({ responses: gone }, told);
  }
}
