import type { AccountRefusal, OutcomeClass, UpstreamState } from './routing';

/** How every upstream is, as the router that leads sees it: what an operator looks at. */
export interface UpstreamsV1 {
  /** The instance that leads, and answers. */
  leader: string;
  /** Of the snapshot it published last. */
  epoch: number;
  version: number;
  createdAtMs: number;
  providers: ProviderStateV1[];
  upstreams: UpstreamStateV1[];
}

export interface ProviderStateV1 {
  provider: string;
  refusal?: AccountRefusal;
  /** 0 to 1 of its limit. */
  quotaLeft?: number;
  probe: ProbeStateV1;
}

export interface ProbeStateV1 {
  /** `unknown`: not yet. */
  result: 'off' | 'unknown' | 'passing' | 'failing';
  atMs?: number;
  latencyMs?: number;
  /** Of `failing`. */
  error?: string;
}

export interface UpstreamStateV1 {
  provider: string;
  /** The model's name at that provider. */
  model: string;
  /** Catalog ids of the models it serves. */
  models: string[];
  state: UpstreamState;
  reason?: string;
  sinceMs: number;
  /** Of `open`. */
  retryAtMs?: number;
  firstTokenMs?: number;
  tokensPerSecond?: number;
  outputTokens?: number;
  cacheHitRate?: number;
  /** Of the last ten seconds, at all edges. */
  counts: Partial<Record<OutcomeClass, number>>;
  inFlight: number;
  /** Of these, how many have waited for their first token far longer than is usual there. */
  late: number;
}
