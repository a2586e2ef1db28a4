import type { Provider } from '@switchboard/contracts';
import type { Resolver } from '@switchboard/platform';
import { Pool } from 'undici';
import { guardedConnector } from './guarded-connector';

interface PoolEntry {
  pool: Pool;
  /** Records are replaced, never changed: the same one needs no comparing. */
  provider: Provider;
}

export interface UpstreamPoolsOptions {
  /** Whether upstreams may be on this machine itself without being declared trusted. */
  allowLoopback: boolean;
  onCloseError: (error: unknown) => void;
  /** The system's, unless given. */
  resolve?: Resolver;
}

/** One keep-alive pool per provider, made on first use and replaced when how to connect to it changes. */
export class UpstreamPools {
  private readonly entries = new Map<string, PoolEntry>();

  constructor(private readonly options: UpstreamPoolsOptions) {}

  get(provider: Provider): Pool {
    const entry = this.entries.get(provider.id);
    if (entry?.provider === provider) return entry.pool;
    if (entry !== undefined && connectsAlike(entry.provider, provider)) {
      entry.provider = provider;
      return entry.pool;
    }
    // Requests under way on the old pool finish; `close` waits for them.
    if (entry !== undefined) entry.pool.close().catch(this.options.onCloseError);
    const pool = this.open(provider);
    this.entries.set(provider.id, { pool, provider });
    return pool;
  }

  private open(provider: Provider): Pool {
    const { allowLoopback, resolve } = this.options;
    return new Pool(new URL(provider.baseUrl).origin, {
      connect: guardedConnector({
        timeoutMs: provider.timeouts.connectMs,
        trustedNetwork: provider.trustedNetwork,
        allowLoopback,
        ...(resolve !== undefined && { resolve }),
      }),
      // Timeouts are kept by the sweeper, per request and per phase.
      headersTimeout: 0,
      bodyTimeout: 0,
      // Below the idle timeout of the usual load balancers, so that a reused connection is seldom a dying one.
      keepAliveTimeout: 15_000,
      // Without it an upstream that offers longer (`keep-alive: timeout=120`) is taken at its word, up to ten minutes.
      keepAliveMaxTimeout: 15_000,
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.entries.values()].map(({ pool }) => pool.destroy()));
    this.entries.clear();
  }
}

function connectsAlike(left: Provider, right: Provider): boolean {
  return (
    left.baseUrl === right.baseUrl &&
    left.trustedNetwork === right.trustedNetwork &&
    left.timeouts.connectMs === right.timeouts.connectMs
  );
}
