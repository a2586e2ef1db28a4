import {
  DEFAULT_ROUTING,
  type AdministeredTenant,
  type Catalog,
  type KeyRecord,
  type NanoUsd,
  type PolicyOrder,
  type Provider,
  type RoutingPolicy,
} from '@switchboard/contracts';
import { firstVersions, type DeclaredModel } from '../catalog/declared-model';

export interface Brand {
  /** Names the `x-<slug>-…` headers. */
  slug: string;
  /** Starts every key: `<keyPrefix>_live_…`. */
  keyPrefix: string;
}

export interface Policies extends RoutingPolicy {
  auto: { order: PolicyOrder[]; models: string[] };
  /** What keys with only rate limits meet while the limiter is away; budgets always close. */
  limiterUnavailable: 'open' | 'closed';
  /** Whether responses are stored for those who do not say `store: false`. */
  storeResponses: 'on' | 'off';
}

export interface ConfiguredTenant {
  tenant: AdministeredTenant;
  /** Prepaid, for the ledger to open with. */
  creditsNanoUsd?: NanoUsd;
  keys: KeyRecord[];
}

/** The whole configuration, checked: secrets looked up, keys hashed, money in integers. */
export interface GatewayConfig {
  brand: Brand;
  providers: Provider[];
  /** In listing order. */
  models: DeclaredModel[];
  policies: Policies;
  tenants: ConfiguredTenant[];
}

export const DEFAULT_BRAND: Brand = { slug: 'callmissed', keyPrefix: 'cm' };

export function defaultPolicies(): Policies {
  return {
    auto: { order: ['tier', 'health', 'price'], models: ['*'] },
    limiterUnavailable: 'open',
    storeResponses: 'on',
    ...DEFAULT_ROUTING,
  };
}

export function routingPolicy({ retries, fallbacks }: Policies): RoutingPolicy {
  return { retries, fallbacks };
}

export function buildCatalog(config: GatewayConfig): Catalog {
  return {
    providers: new Map(config.providers.map((provider) => [provider.id, provider])),
    models: new Map(config.models.map((model) => [model.id, firstVersions(model)])),
    auto: config.policies.auto,
    routing: routingPolicy(config.policies),
  };
}

export function buildKeyRecords(config: GatewayConfig): KeyRecord[] {
  return config.tenants.flatMap((entry) => entry.keys);
}
