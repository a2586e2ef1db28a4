import { setTimeout as delay } from 'node:timers/promises';
import { Pool, type PoolConfig } from 'pg';
import type { Logger } from '../logging/logger';

export type { Pool, PoolClient } from 'pg';

/** Who ends a pool has let its work finish: what is still under way waits on a silent database. */
const END_PATIENCE_MS = 1_000;

class PromptPool extends Pool {
  private open = 0;

  constructor(config: PoolConfig) {
    super(config);
    this.on('connect', () => this.open++);
    this.on('remove', () => this.open--);
  }

  override async end(): Promise<void> {
    const patience = new AbortController();
    const enough = delay(END_PATIENCE_MS, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([this.closed(), enough]);
    patience.abort();
  }

  /** pg has done when it told its connections to close; a server that is stopped then would complain of them. */
  private async closed(): Promise<void> {
    await super.end();
    while (this.open > 0) await new Promise((resolve) => this.once('remove', resolve));
  }
}

/**
 * Connections to `url`, opened as needed. A query fails after `queryTimeoutMs` rather than wait on a database that is
 * silent; such a connection must be released with the error, which closes it. The caller ends the pool; a second later at
 * most that resolves, and what a silent database still holds up then ends with its own timeout.
 */
export function createPool(options: {
  url: string;
  log: Logger;
  connectionsMax?: number;
  queryTimeoutMs?: number;
}): Pool {
  const { url, log, connectionsMax = 4, queryTimeoutMs = 30_000 } = options;
  const pool = new PromptPool({
    connectionString: url,
    max: connectionsMax,
    connectionTimeoutMillis: 5_000,
    query_timeout: queryTimeoutMs,
    statement_timeout: queryTimeoutMs,
    keepAlive: true,
    application_name: 'switchboard',
  });
  // A connection reports its end as an event, besides failing its query if one is under way. Without a listener that
  // event ends the process; the pool listens to idle connections only, and passes their events on.
  pool.on('connect', (client) => {
    client.on('error', (error) => log.warn({ err: error }, 'lost a database connection'));
  });
  pool.on('error', () => undefined);
  return pool;
}
