/** What became of one call to an upstream, as far as it tells of the upstream. `client`: of the request only, never counted against it. */
export type OutcomeClass =
  | 'ok'
  /** 429: the account has no room. */
  | 'limited'
  /** 401, 402, 403: the account is refused. */
  | 'account'
  /** 5xx. */
  | 'failed'
  /** 404: its copy of the model is not there. */
  | 'missing'
  | 'timeout'
  | 'connect'
  | 'malformed'
  | 'broken'
  | 'client';

/**
 * Durations by size: index → how many. Index i holds those of up to 1.2^i milliseconds and more than 1.2^(i-1), so that a
 * quantile read from it is at most a fifth too large, and histograms of several edges add up.
 */
export type HistogramV1 = Record<number, number>;

/** One model at one provider, as one edge saw it for a while. */
export interface UpstreamOutcomesV1 {
  provider: string;
  /** The model's name at that provider. */
  model: string;
  counts: Partial<Record<OutcomeClass, number>>;
  /** Until the first token of streams. */
  firstTokenMs: HistogramV1;
  /** Of whole replies. */
  totalMs: HistogramV1;
  /** Replies that told their usage, and what they came to. */
  replies: number;
  /** Those read from a cache included. */
  inputTokens: number;
  cacheReadTokens: number;
  outputTokens: number;
  /** Of `outputTokens`, those of streams, and from the first to the last byte of these. */
  streamedTokens: number;
  streamedMs: number;
  /** Under way at the end of the while. */
  inFlight: number;
  /** Of these, how many have waited for their first token far longer than is usual there. */
  late: number;
  /** It asked to be left alone for so long, from the end of the while on. */
  parkedForMs?: number;
}

/** What a provider refuses an account for: a credential it does not know, or want of money. */
export type AccountRefusal = 'credential' | 'payment';

/** An account at a provider, as one edge saw it at the end of the while. */
export interface ProviderStandingV1 {
  provider: string;
  /** It refuses the credential or the account: what it said. */
  refusal?: AccountRefusal;
  /** What its last reply said is left, 0 to 1 of the limit. */
  quotaLeft?: number;
}

/** What one edge tells the routers, about once a second, of what it did since. Nothing is sent of a second without calls. */
export interface OutcomesV1 {
  edge: string;
  /** How long the while was. */
  forMs: number;
  upstreams: UpstreamOutcomesV1[];
  providers: ProviderStandingV1[];
}

/** `open`: not tried. `half-open`: tried now and then. `degraded`: after those that are healthy. */
export type UpstreamState = 'healthy' | 'degraded' | 'half-open' | 'open';

/** What the router knows of one model at one provider. Figures are absent until measured, and rounded, so that they rest. */
export interface RankedUpstreamV2 {
  provider: string;
  /** The model's name at that provider. */
  model: string;
  state: UpstreamState;
  /** Version of the snapshot in which `state` was found last: a later one says more than what an edge saw before it. */
  stateVersion: number;
  /** For an operator; of every state but healthy. */
  reason?: string;
  /** Of `open`: from when it was found until it is tried again. */
  retryAfterMs?: number;
  /** Its share among those that are as good. */
  weight: number;
  /** Median. */
  firstTokenMs?: number;
  /** Of a stream, after its first token. */
  tokensPerSecond?: number;
  /** Mean of a reply. */
  outputTokens?: number;
  /** Share of input tokens read from its cache, 0 to 1. */
  cacheHitRate?: number;
}

/** `version` grows with every change of the snapshot, `epoch` with every leader: an entry of a lower epoch is ignored. */
interface Versioned {
  epoch: number;
  version: number;
  createdAtMs: number;
}

/** A model's upstreams, best first; those it leaves out are not tried. */
export interface RoutedModelV2 extends Versioned {
  model: string;
  upstreams: RankedUpstreamV2[];
}

/** What a routing name may choose, best first. */
export interface RoutedPolicyV2 extends Versioned {
  policy: 'auto' | 'auto:cheapest' | 'auto:fastest';
  ranked: RankedChoiceV2[];
}

export interface RankedChoiceV2 {
  /** Catalog id. */
  model: string;
  provider: string;
  upstreamModel: string;
  /** Equal ranks are equally good; 0 is the best. */
  rank: number;
}

/** Written last of a change, and now and then without one: its age tells whether a router is at work. */
export interface RoutingHeadV2 extends Versioned {
  /** The instance that leads. */
  leader: string;
}
