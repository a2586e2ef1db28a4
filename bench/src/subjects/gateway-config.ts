import { modelServedBy } from '../wire/requests';

/** The environment variable that holds the canned upstreams' credential. */
export const UPSTREAM_KEY_VARIABLE = 'BENCH_UPSTREAM_KEY';

export interface GatewayConfig {
  providers: object[];
  models: object[];
  tenants: object[];
}

/** What a key may do, so far away that no run meets it. */
export const farBounds = {
  limits: { rpm: 1e9, itpm: 1e12, otpm: 1e12, concurrency: 1e6 },
  budget: { usd: 1_000_000, period: 'month' },
};

/**
 * A gateway.yaml (JSON is YAML) whose models are all served by the canned upstream, for the key in BENCH_KEY, which
 * `bounds` limit.
 */
export function gatewayConfig(upstreamPort: number, bounds: object = {}): GatewayConfig {
  return {
    providers: [
      cannedProvider('canned-anthropic', 'anthropic-compatible', upstreamPort),
      cannedProvider('canned-chat', 'openai-compatible', upstreamPort),
    ],
    models: [
      cannedModel(modelServedBy.anthropic, 'canned-anthropic', 'claude-upstream'),
      cannedModel(modelServedBy.chat, 'canned-chat', 'gpt-upstream'),
    ],
    tenants: [
      { id: 'bench', name: 'Bench', keys: [{ name: 'load', key: { env: 'BENCH_KEY' }, kind: 'service', ...bounds }] },
    ],
  };
}

/** `trustedNetwork`: it is on this machine, which a gateway refuses unless that is meant. */
export function cannedProvider(
  id: string,
  kind: 'anthropic-compatible' | 'openai-compatible',
  upstreamPort: number,
): object {
  const origin = `http://127.0.0.1:${upstreamPort}`;
  const baseUrl = kind === 'openai-compatible' ? `${origin}/v1` : origin;
  return { id, kind, baseUrl, apiKey: { env: UPSTREAM_KEY_VARIABLE }, probe: 'off', trustedNetwork: true };
}

export function cannedModel(id: string, provider: string, upstreamModel: string): object {
  return {
    id,
    displayName: id,
    contextWindow: 1_000_000,
    maxOutputTokens: 64_000,
    capabilities: {
      streaming: true,
      tools: 'native',
      vision: true,
      documents: true,
      reasoning: true,
      structuredOutputs: true,
    },
    pricing: { input: 3, output: 15, cacheRead: 0.3, cacheWrite5m: 3.75, cacheWrite1h: 6 },
    upstreams: [{ provider, model: upstreamModel }],
  };
}
