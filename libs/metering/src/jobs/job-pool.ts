import { createPool, type Logger, type Pool } from '@switchboard/platform';

/** A job does its work in pieces that each take less. */
const STATEMENT_TIMEOUT_MS = 60_000;

/** Of the jobs alone, so that none of them ever holds what stores usage: two connections, a minute for a statement. */
export function createJobPool(options: { url: string; log: Logger }): Pool {
  return createPool({ ...options, connectionsMax: 2, queryTimeoutMs: STATEMENT_TIMEOUT_MS });
}
