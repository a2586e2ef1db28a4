import type { Provider } from '@switchboard/contracts';
import { Pool } from 'undici';

interface PoolEntry {
  pool: Pool;
  origin: string;
  connectMs: number;
}

/** One keep-alive pool per provider, made on first use and replaced when its address changes. */
export class UpstreamPools {
  private readonly entries = new Map<string, PoolEntry>();

  constructor(private readonly onCloseError: (error: unknown) => void) {}

  get(provider: Provider): Pool {
    const origin = originOf(provider.baseUrl);
    const entry = this.entries.get(provider.id);
    if (entry !== undefined && entry.origin === origin && entry.connectMs === provider.timeouts.connectMs) {
      return entry.pool;
    }
    // Requests under way on the old pool finish; `close` waits for them.
    if (entry !== undefined) entry.pool.close().catch(this.onCloseError);
    const pool = new Pool(origin, {
      connect: { timeout: provider.timeouts.connectMs },
      // Timeouts are kept by the sweeper, per request and per phase.
      headersTimeout: 0,
      bodyTimeout: 0,
      // Below the idle timeout of the usual load balancers, so that a reused connection is seldom a dying one.
      keepAliveTimeout: 15_000,
      // Without it an upstream that offers longer (`keep-alive: timeout=120`) is taken at its word, up to ten minutes.
      keepAliveMaxTimeout: 15_000,
    });
    this.entries.set(provider.id, { pool, origin, connectMs: provider.timeouts.connectMs });
    return pool;
  }

  async close(): Promise<void> {
    await Promise.all([...this.entries.values()].map(({ pool }) => pool.destroy()));
    this.entries.clear();
  }
}

const origins = new Map<string, string>();

/** Parsed once per base URL: `new URL` costs microseconds. */
function originOf(baseUrl: string): string {
  let origin = origins.get(baseUrl);
  if (origin === undefined) {
    origin = new URL(baseUrl).origin;
    origins.set(baseUrl, origin);
  }
  return origin;
}
