import { routingPolicy, type GatewayConfig, type KeyHasher } from '@switchboard/platform';
import type { DeclaredConfig, DeclaredKey } from './config-plan';

/** The file's content in the form of the tables: each key with the hash it is stored by. */
export function declaredConfig(config: GatewayConfig, hasher: KeyHasher): DeclaredConfig {
  const { brand, policies, providers, models, tenants } = config;
  const keys = tenants.flatMap(({ tenant, keys: records }) =>
    records.map((record): DeclaredKey => {
      const { hash: sha256, tenant: _tenant, revoked: _revoked, ...declared } = record;
      const [hash = hasher.current(sha256), ...olderHashes] = hasher.candidates(sha256);
      return { key: { ...declared, tenantId: tenant.id }, hash, olderHashes };
    }),
  );
  return {
    settings: {
      ...{ brand, auto: policies.auto, limiterUnavailable: policies.limiterUnavailable },
      ...{ routing: routingPolicy(policies), storeResponses: policies.storeResponses },
    },
    providers,
    models,
    tenants: tenants.map(({ tenant }) => tenant),
    keys,
    // Of nothing too: whoever pays in advance and has paid nothing may spend nothing.
    openings: tenants.flatMap(({ tenant, creditsNanoUsd: nanoUsd }) =>
      nanoUsd === undefined ? [] : [{ tenantId: tenant.id, nanoUsd }],
    ),
  };
}
