import { resolve } from 'node:path';
import { buildCatalog, buildKeyRecords, type GatewayConfig } from './gateway-config';
import { keyHash } from './key-identity';
import { loadGatewayConfig } from './load-config';

const EXAMPLE = resolve(__dirname, '../../../../docs/gateway.example.yaml');
const EXAMPLE_ENV = {
  ANTHROPIC_API_KEY: 'sk-ant-example',
  OPENROUTER_API_KEY: 'sk-or-example',
  AZURE_OPENAI_API_KEY: 'azure-example',
  ACME_CI_KEY: 'cm_live_example',
};

const loaded = loadGatewayConfig({ env: { ...EXAMPLE_ENV, GATEWAY_CONFIG: EXAMPLE }, cwd: '/' });

function config(): GatewayConfig {
  if (!loaded.ok) throw new Error(loaded.faults.join('\n'));
  return loaded.config;
}

describe('docs/gateway.example.yaml', () => {
  it('has no faults and gives no warnings', () => {
    expect(loaded).toMatchObject({ ok: true, warnings: [] });
  });

  it('becomes a catalog: providers with their secrets, models with whole prices, costs and upstreams in order', () => {
    const catalog = buildCatalog(config());
    expect(catalog.auto).toEqual({ order: ['tier', 'health', 'price'], models: ['*'] });
    expect([...catalog.providers.values()].map(({ id, apiKey, tier }) => [id, apiKey, tier])).toEqual([
      ['claude-direct', 'sk-ant-example', 2],
      ['openrouter', 'sk-or-example', 2],
      ['azure', 'azure-example', 2],
      ['own-gpus', undefined, 0],
    ]);
    const sonnet = catalog.models.get('anthropic/claude-sonnet-4.6');
    expect(sonnet?.upstreams.map((upstream) => upstream.provider)).toEqual(['claude-direct', 'openrouter']);
    const prices = {
      ...{ input: 3_000_000, output: 15_000_000, cacheRead: 300_000, cacheWrite5m: 3_750_000, cacheWrite1h: 6_000_000 },
    };
    expect(sonnet?.pricing).toEqual([{ version: 'v1', effectiveFromMs: 0, prices }]);
    expect(sonnet?.upstreams.map((upstream) => upstream.cost)).toEqual([prices, prices]);
    const qwen = catalog.models.get('own/qwen3.8-27b');
    expect(qwen?.pricing.map(({ effectiveFromMs, prices: { output } }) => [effectiveFromMs, output])).toEqual([
      [0, 200_000],
      [Date.parse('2099-01-01T00:00:00Z'), 160_000],
    ]);
    expect(qwen?.upstreams[0]?.cost).toMatchObject({ input: 0, cacheRead: 0 });
  });

  it('takes from a built-in model what it does not say of it', () => {
    const haiku = buildCatalog(config()).models.get('anthropic/claude-haiku-5.5');
    expect(haiku).toMatchObject({
      displayName: 'Claude Haiku 5.5',
      contextWindow: 1_000_000,
      pricing: [
        { prices: { input: 120_000, longPrompt: { aboveInputTokens: 100_000, prices: { output: 3_000_000 } } } },
      ],
    });
    expect(haiku?.upstreams.map(({ provider, cost }) => [provider, cost.input])).toEqual([
      ['claude-direct', 100_000],
      ['openrouter', 100_000],
    ]);
  });

  it('offers the other built-in models too, less the aliases the file gives away', () => {
    const catalog = buildCatalog(config());
    expect(catalog.models.get('anthropic/claude-sonnet-5.5')?.aliases).not.toContain('sonnet');
    expect(catalog.models.get('anthropic/claude-opus-5.5')?.aliases).toContain('opus');
    expect(catalog.models.get('google/gemini-3.8-flash')).toBeDefined();
    expect(catalog.models.get('openai/text-embedding-3-small')).toBeUndefined();
  });

  it('becomes key records: hashes only, money in nano-USD, ids made of names', () => {
    const records = buildKeyRecords(config());
    expect(records.map(({ id, hash }) => [id, hash])).toEqual([
      ['key_acme_ci', keyHash('cm_live_example')],
      ['key_acme_support', '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0bb822cd15d6c15b0f00a0'],
    ]);
    expect(records[0]).toMatchObject({
      budget: { nanoUsd: 25_000_000_000, period: 'day' },
      tenant: { id: 'acme', active: true, budget: { nanoUsd: 500_000_000_000, period: 'month' } },
      expiresAtMs: Date.UTC(2027, 0, 1),
      ips: ['10.0.0.0/8'],
      logging: { requests: true, prompts: false },
      revoked: false,
    });
    expect(records[1]).toMatchObject({
      kind: 'team',
      permissions: ['*'],
      models: [],
      origins: [],
      ips: [],
      limits: {},
    });
    expect(config().tenants[0]?.creditsNanoUsd).toBe(100_000_000_000);
    expect(config().tenants[0]?.tenant.callLogRetentionDays).toBe(90);
    expect(JSON.stringify(records)).not.toContain('cm_live_example');
  });
});
