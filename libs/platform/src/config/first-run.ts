import type { Capabilities, KeyRecord, Provider, Tenant } from '@switchboard/contracts';
import { BUILTIN_MODELS, modelFromFacts, type UpstreamName } from '../catalog/builtin-models';
import { capabilities, type ModelFacts } from '../catalog/builtin/model-facts';
import type { DeclaredModel } from '../catalog/declared-model';
import { pricesFromSheet } from '../catalog/price-sheet';
import { defaultPolicies, DEFAULT_BRAND, type GatewayConfig } from './gateway-config';
import { providerSchema } from './provider-schema';
import { keyId } from './key-identity';

const SIM_ANTHROPIC = 'sim-anthropic';
const SIM_OPENAI = 'sim-openai';

function inBothDialects(model: string): UpstreamName[] {
  return [
    { provider: SIM_ANTHROPIC, model },
    { provider: SIM_OPENAI, model },
  ];
}

/** `url`: the simulator's origin, without `/v1`. */
function simulatorProviders(url: string): Provider[] {
  const { headers, timeouts, limits } = providerSchema.parse({ id: SIM_OPENAI, kind: 'openai-compatible' });
  const origin = url.replace(/\/+$/, '');
  // The simulator takes any key, but, like those it plays, not none.
  const standard = { apiKey: 'simulator', headers, timeouts, limits, trustedNetwork: true };
  return [
    { ...standard, id: SIM_ANTHROPIC, kind: 'anthropic-compatible', baseUrl: origin, tier: 0 },
    { ...standard, id: SIM_OPENAI, kind: 'openai-compatible', baseUrl: `${origin}/v1`, tier: 1 },
  ];
}

/** A built-in model as the simulator plays it: under the name and in the dialect of its maker. */
function simulated(facts: ModelFacts): DeclaredModel {
  const { anthropic, openai, sarvam } = facts.names;
  if (anthropic !== undefined) return modelFromFacts(facts, [{ provider: SIM_ANTHROPIC, model: anthropic }]);
  return modelFromFacts(facts, [{ provider: SIM_OPENAI, model: openai ?? sarvam ?? facts.id }]);
}

function simulatorModel(name: string, description: string, differs: Partial<DeclaredModel>): DeclaredModel {
  const prices = pricesFromSheet({ input: 1, output: 2, cacheRead: 0.1, cacheWrite5m: 1.25, cacheWrite1h: 2 });
  const able: Capabilities = capabilities('vision', 'documents', 'reasoning');
  return {
    id: `sim/${name}`,
    displayName: `Simulator: ${name}`,
    description,
    category: 'llm',
    createdAt: '2026-11-01T00:00:00Z',
    aliases: [],
    contextWindow: 200_000,
    maxOutputTokens: 64_000,
    capabilities: able,
    pricing: [{ prices }],
    onDisconnect: 'cancel',
    upstreams: inBothDialects(`sim/${name}`).map((upstream) => ({ ...upstream, weight: 1, cost: prices })),
    ...differs,
  };
}

/** Models that exist only in the simulator, served in either dialect, for trying out what the gateway refuses. */
export function simulatorModels(): DeclaredModel[] {
  const able = capabilities('vision', 'documents', 'reasoning');
  return [
    simulatorModel('echo', 'Answers with what it was asked.', {}),
    simulatorModel('tiny-context', 'A context window of 1,000 tokens.', { contextWindow: 1000, maxOutputTokens: 500 }),
    simulatorModel('no-vision', 'Takes no images or documents.', {
      capabilities: { ...able, vision: false, documents: false },
    }),
    simulatorModel('no-tools', 'Takes no tools.', { capabilities: { ...able, tools: 'none' } }),
  ];
}

/**
 * The configuration with the simulator beside its providers. Where it has none, the simulator serves the built-in models
 * too; where it has some, only the `sim/…` ones, so that no real name ever gets a simulated answer.
 */
export function withSimulator(config: GatewayConfig, options: { simulatorUrl: string }): GatewayConfig {
  const builtin = config.providers.length === 0 ? BUILTIN_MODELS.map((facts) => simulated(facts)) : [];
  return {
    ...config,
    providers: [...config.providers, ...simulatorProviders(options.simulatorUrl)],
    models: [...config.models, ...builtin, ...simulatorModels()],
  };
}

/**
 * The configuration with a tenant `demo`, without limits where it is not in there yet, whose key `demo` has this SHA-256
 * (lower-case hex). The key itself is its maker's to show.
 */
export function withDemoTenant(config: GatewayConfig, demoKeyHash: string): GatewayConfig {
  const tenant: Tenant = { id: 'demo', name: 'Demo', active: true, limits: {} };
  const key: KeyRecord = {
    id: keyId(tenant.id, 'demo'),
    hash: demoKeyHash,
    name: 'demo',
    kind: 'service',
    tenant,
    permissions: ['*'],
    models: [],
    origins: [],
    ips: [],
    revoked: false,
    limits: {},
    logging: { requests: false, prompts: false },
  };
  const known = config.tenants.find((entry) => entry.tenant.id === tenant.id);
  if (known === undefined) return { ...config, tenants: [...config.tenants, { tenant, keys: [key] }] };
  const keyed = { ...known, keys: [...known.keys, { ...key, tenant: known.tenant }] };
  return { ...config, tenants: config.tenants.map((entry) => (entry === known ? keyed : entry)) };
}

/** A first run without file and without provider keys: the simulator serves every built-in model to the demo key. */
export function simulatorConfig(options: { simulatorUrl: string; demoKeyHash: string }): GatewayConfig {
  const empty: GatewayConfig = {
    brand: DEFAULT_BRAND,
    providers: [],
    models: [],
    policies: defaultPolicies(),
    tenants: [],
  };
  return withDemoTenant(withSimulator(empty, options), options.demoKeyHash);
}
