import type { Model, PolicyOrder, Provider, RoutingPolicy } from './catalog';
import type { KeyRecord } from './keys';
import type { UpstreamState } from './routing';
import type { UsageRecordedV1 } from './usage-event';

/** What holds for the whole catalog. Its presence says that the catalog was published whole at least once. */
export interface CatalogSettingsV1 {
  brand: { slug: string; keyPrefix: string };
  auto: { order: PolicyOrder[]; models: string[] };
  limiterUnavailable: 'open' | 'closed';
  /** Absent where an older release wrote it: the default. */
  routing?: RoutingPolicy;
  /** Absent where an older release wrote it: `on`. */
  storeResponses?: 'on' | 'off';
}

/** A provider as it travels: what is secret in it is sealed. */
export interface ProviderRecordV1 extends Omit<Provider, 'apiKey' | 'headers'> {
  /** ProviderSecretsV1, sealed under the key-encryption key; see the sealer in platform. */
  sealed: string;
}

/** Header values may be credentials too. */
export interface ProviderSecretsV1 {
  apiKey?: string;
  headers: Record<string, string>;
}

export interface ModelRecordV1 extends Model {
  /** Place in listings, ascending; ties by id. */
  position: number;
}

/** A key as it travels; its tenant is an entry of its own, so that a change of a tenant is one entry. */
export interface KeyRecordV1 extends Omit<KeyRecord, 'tenant'> {
  tenantId: string;
}

export interface UsageBatchV1 {
  events: UsageRecordedV1[];
}

export interface ExplainRequestV1 {
  /** A model id, an alias, or `auto`, `auto:cheapest`, `auto:fastest`. */
  model: string;
}

export interface ExplanationV1 {
  requested: string;
  /** What the name resolves to; absent for `auto` and unknown names. */
  resolved?: string;
  found: boolean;
  /** The closest ids, where nothing was found. */
  suggestions: string[];
  /** Best first; those that would not be tried last, each with the reason. */
  candidates: ExplainedCandidateV1[];
  snapshotCreatedAtMs?: number;
  snapshotVersion?: number;
}

export interface ExplainedCandidateV1 {
  model: string;
  provider: string;
  upstreamModel: string;
  tier: number;
  weight: number;
  /** What we pay, USD per million tokens. */
  costUsdPerMillion: { input: number; output: number };
  eligible: boolean;
  /** In words, for an operator: why it is tried when it is, or why it is not. */
  reason: string;
  /** As the router finds it; absent, like the figures: it has not looked yet. */
  state?: UpstreamState;
  /** Of every state but healthy. */
  stateReason?: string;
  /** Place by the policy; equals share one, 0 is the best. */
  rank?: number;
  /** What the tenant would pay for a call as usual there. */
  expectedCostUsd?: number;
  /** Until a reply as usual there is whole. */
  expectedSeconds?: number;
  firstTokenMs?: number;
  tokensPerSecond?: number;
  outputTokens?: number;
  cacheHitRate?: number;
}

/** A service as it last told of itself. */
export interface HeartbeatV1 {
  service: string;
  /** Unique per process. */
  instance: string;
  version: string;
  startedAtMs: number;
  sentAtMs: number;
  status: 'ready' | 'degraded' | 'unavailable';
  checks: Record<string, { status: 'up' | 'down'; required: boolean; error?: string }>;
}
