import type { Pool } from '@switchboard/platform';

const WORK = `
  SELECT EXISTS (SELECT 1 FROM exports WHERE state = 'queued' OR (state = 'running' AND lease_until < $1))
      OR EXISTS (SELECT 1 FROM exports WHERE expires_at < $1) AS "isThere"`;

/** Whether there is an export to make, or one whose time is over. */
export async function isThereExportWork(pool: Pool, nowMs: number): Promise<boolean> {
  const { rows } = await pool.query<{ isThere: boolean }>(WORK, [new Date(nowMs)]);
  return rows[0]?.isThere === true;
}
