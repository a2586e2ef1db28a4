import {
  DEFAULT_ROUTING,
  type Catalog,
  type Model,
  type ModelUpstream,
  type PriceSchedule,
  type Provider,
  type TokenPrices,
} from '@switchboard/contracts';

export function prices(inputUsdPerMillion: number, outputUsdPerMillion: number): TokenPrices {
  const [input, output] = [inputUsdPerMillion * 1_000_000, outputUsdPerMillion * 1_000_000];
  return { input, output, cacheRead: input, cacheWrite5m: input, cacheWrite1h: input };
}

/** One version, in effect for all time. */
export function always(of: TokenPrices): PriceSchedule {
  return [{ version: 'v1', effectiveFromMs: 0, prices: of }];
}

export function provider(id: string, tier: number): Provider {
  return {
    id,
    kind: 'openai-compatible',
    baseUrl: `https://${id}.example/v1`,
    headers: {},
    tier,
    timeouts: { connectMs: 1, firstTokenMs: 1, idleMs: 1, totalMs: 1 },
    limits: {},
    trustedNetwork: false,
  };
}

export function upstream(providerId: string, name: string): ModelUpstream {
  return { provider: providerId, model: name, weight: 1, cost: prices(1, 2) };
}

export function model(id: string, upstreams: ModelUpstream[], differs: Partial<Model> = {}): Model {
  return {
    id,
    displayName: id,
    description: '',
    category: 'llm',
    createdAt: '2026-11-01T00:00:00Z',
    aliases: [],
    contextWindow: 1000,
    maxOutputTokens: 100,
    capabilities: {
      streaming: true,
      tools: 'native',
      vision: true,
      documents: true,
      reasoning: true,
      structuredOutputs: true,
    },
    pricing: always(prices(1, 2)),
    onDisconnect: 'cancel',
    upstreams,
    ...differs,
  };
}

/** `gpu` is tier 0, `flat` 1, `cloud` 2. */
export function catalogOf(models: Model[], auto: Partial<Catalog['auto']> = {}): Catalog {
  const providers = [provider('cloud', 2), provider('flat', 1), provider('gpu', 0)];
  return {
    providers: new Map(providers.map((each) => [each.id, each])),
    models: new Map(models.map((each) => [each.id, each])),
    auto: { order: ['tier', 'health', 'price'], models: ['*'], ...auto },
    routing: DEFAULT_ROUTING,
  };
}
