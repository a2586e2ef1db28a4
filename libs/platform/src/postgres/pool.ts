import { Pool } from 'pg';
import type { Logger } from '../logging/logger';

export type { Pool, PoolClient } from 'pg';

/**
 * Connections to `url`, opened as needed. A query fails after `queryTimeoutMs` rather than wait on a database that is
 * silent; such a connection must be released with the error, which closes it. The caller ends the pool.
 */
export function createPool(options: {
  url: string;
  log: Logger;
  connectionsMax?: number;
  queryTimeoutMs?: number;
}): Pool {
  const { url, log, connectionsMax = 4, queryTimeoutMs = 30_000 } = options;
  const pool = new Pool({
    connectionString: url,
    max: connectionsMax,
    connectionTimeoutMillis: 5_000,
    query_timeout: queryTimeoutMs,
    statement_timeout: queryTimeoutMs,
    keepAlive: true,
    application_name: 'switchboard',
  });
  // Without a listener, an idle connection that the server closes ends the process.
  pool.on('error', (error) => log.warn({ err: error }, 'lost an idle database connection'));
  return pool;
}
