/** What a process that hosts the edge gives it; every field has its unit in the name. */
export interface EdgeSettings {
  brand: { slug: string; keyPrefix: string };
  /** Largest accepted request body, after decompression. */
  maxBodyBytes: number;
  /** A stream silent for this long gets a keepalive. */
  keepaliveMs: number;
  /** How long a reply whose client has left is read on, where its model's policy is `drain`. */
  readOnMs: number;
  /** How long a shutdown waits for open streams. */
  drainMs: number;
  /**
   * How long before that it goes on taking new connections, unready, each reply asking its client to come back on another
   * one: until whoever spreads the traffic has noticed. Absent: no time.
   */
  drainGraceMs?: number;
  /** CIDR ranges whose `x-forwarded-for` is believed. */
  trustedProxies: string[];
  /** Whether upstreams may be on this machine itself without `trustedNetwork`. Absent: they may, as in standalone. */
  allowLoopback?: boolean;
  /** What keys with only rate limits meet while the limiter is away; budgets always close. Absent: `open`. */
  limiterUnavailable?: 'open' | 'closed';
}

/** The edge's health checks: unready before the first whole catalog and while the public port drains. */
export const EDGE_HEALTH = Symbol('EDGE_HEALTH');
