import type { Prices } from './money';
import type { PriceSchedule } from './price-schedule';

export type ProviderKind =
  | 'anthropic'
  | 'openai'
  | 'openrouter'
  | 'azure-openai'
  | 'anthropic-compatible'
  | 'openai-compatible'
  | 'responses-compatible';

export interface ProviderProbe {
  /** From the root of the host of `baseUrl`; absent: the path of its kind. Asked without a credential. */
  path?: string;
  intervalMs: number;
}

/** An account at a provider. The credential is here in the clear: this record never leaves the process that dispatches. */
export interface Provider {
  id: string;
  kind: ProviderKind;
  /** Anthropic kinds: without `/v1`; OpenAI kinds: with `/v1`; Azure: the resource's endpoint. No trailing slash. */
  baseUrl: string;
  /** Of `azure-openai` alone, `2024-10-21`: with it a model is the name of a deployment. Absent: Azure's v1 API, which has none. */
  apiVersion?: string;
  apiKey?: string;
  headers: Record<string, string>;
  /** `auto` prefers the lower tier. */
  tier: number;
  timeouts: { connectMs: number; firstTokenMs: number; idleMs: number; totalMs: number };
  limits: { concurrency?: number; rpm?: number; tpm?: number };
  /** How the router looks whether it is alive; absent: as is usual for its kind. */
  probe?: ProviderProbe | 'off';
  trustedNetwork: boolean;
}

export interface Capabilities {
  streaming: boolean;
  tools: 'native' | 'emulated' | 'none';
  vision: boolean;
  documents: boolean;
  reasoning: boolean;
  structuredOutputs: boolean;
}

export interface ModelUpstream {
  provider: string;
  /** The model's name at that provider. */
  model: string;
  weight: number;
  /** What we pay now: it is for comparing upstreams, and nothing is billed by it. */
  cost: Prices;
}

export interface Model {
  id: string;
  displayName: string;
  description: string;
  category: 'llm' | 'embedding';
  /** RFC 3339. */
  createdAt: string;
  aliases: string[];
  contextWindow: number;
  maxOutputTokens: number;
  capabilities: Capabilities;
  /** What the tenant pays, version by version. */
  pricing: PriceSchedule;
  onDisconnect: 'cancel' | 'drain';
  /** In the order they are tried. */
  upstreams: ModelUpstream[];
}

export const DEFAULT_ROUTING: RoutingPolicy = { retries: { share: 0.1, least: 10 }, fallbacks: [] };

export type PolicyOrder = 'tier' | 'health' | 'price';

/** Models that a call for others goes on to when none of their upstreams can serve it. */
export interface FallbackRule {
  /** Patterns over the ids of the models asked for. */
  models: string[];
  /** Ids, in the order they are tried. */
  to: string[];
}

/** What all edges keep to. */
export interface RoutingPolicy {
  /** Further attempts at other upstreams: as a share of a model's requests of ten seconds, and so many in any case. */
  retries: { share: number; least: number };
  fallbacks: FallbackRule[];
}

/** Everything an edge needs to route, as one immutable value; a change is a new value. */
export interface Catalog {
  providers: ReadonlyMap<string, Provider>;
  /** By id, in listing order. */
  models: ReadonlyMap<string, Model>;
  auto: { order: PolicyOrder[]; models: string[] };
  routing: RoutingPolicy;
}

/** Port: the catalog as it stands now, without a hop. */
export interface CatalogSource {
  current(): Catalog;
}
