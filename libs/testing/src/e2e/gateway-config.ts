import { createHash } from 'node:crypto';

/** The key every test uses that does not test keys. */
export const KEY = 'cm_test_end-to-end';
/** The credential the gateway holds for its upstreams; it must never show. */
export const UPSTREAM_KEY = 'sk-upstream-credential-0123456789';

export type Json = Record<string, unknown>;

export type UpstreamDialect = 'anthropic' | 'chat';

export const UPSTREAM_DIALECTS: readonly UpstreamDialect[] = ['anthropic', 'chat'];

/** A provider at a bare origin, in the dialect's own form of base URL. */
export function provider(id: string, dialect: UpstreamDialect, origin: string, more: Json = {}): Json {
  return {
    id,
    kind: dialect === 'anthropic' ? 'anthropic-compatible' : 'openai-compatible',
    baseUrl: dialect === 'anthropic' ? origin : `${origin}/v1`,
    apiKey: { env: 'E2E_UPSTREAM_KEY' },
    trustedNetwork: true,
    ...more,
  };
}

/** A model that can do everything, at 3 and 15 USD per million tokens. Of upstreams at equal tier and cost any may be tried first. */
export function model(
  id: string,
  upstreams: { provider: string; model: string; cost?: Json }[],
  more: Json = {},
): Json {
  const capabilities = {
    streaming: true,
    tools: 'native',
    vision: true,
    documents: true,
    reasoning: true,
    structuredOutputs: true,
  };
  return {
    id,
    contextWindow: 200_000,
    maxOutputTokens: 64_000,
    capabilities,
    pricing: { input: 3, output: 15, cacheRead: 0.3, cacheWrite5m: 3.75, cacheWrite1h: 6 },
    upstreams,
    ...more,
  };
}

export function keyHash(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** gateway.yaml with these providers and models, one tenant and, beside `KEY`, these keys. */
export function gatewayConfig(providers: Json[], models: Json[], keys: Json[] = []): Json {
  const plainKey = { name: 'plain', key: { hash: keyHash(KEY) } };
  return {
    builtinModels: false,
    providers,
    models,
    tenants: [{ id: 'acme', keys: [plainKey, ...keys] }],
  };
}

/** Environment that `gatewayConfig` counts on. */
export const GATEWAY_ENV = { E2E_UPSTREAM_KEY: UPSTREAM_KEY };
