/** What a process that hosts the edge gives it; every field has its unit in the name. */
export interface EdgeSettings {
  brand: { slug: string; keyPrefix: string };
  /** Largest accepted request body, after decompression. */
  maxBodyBytes: number;
  /** A stream silent for this long gets a keepalive. */
  keepaliveMs: number;
  /** How long a shutdown waits for open streams. */
  drainMs: number;
  /** CIDR ranges whose `x-forwarded-for` is believed. */
  trustedProxies: string[];
}

/** Unready while the public port drains; its other ports are in the contracts. */
export const EDGE_HEALTH = Symbol('EDGE_HEALTH');
