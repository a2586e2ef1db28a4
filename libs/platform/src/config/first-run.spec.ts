import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILTIN_MODELS } from '../catalog/builtin-models';
import { simulatorConfig, simulatorModels, withDemoTenant, withSimulator } from './first-run';
import { buildCatalog, buildKeyRecords } from './gateway-config';
import { keyHash } from './key-identity';
import { loadGatewayConfig } from './load-config';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'first-run-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

function fromEnvironment(env: NodeJS.ProcessEnv) {
  const loaded = loadGatewayConfig({ env, cwd: directory });
  if (!loaded.ok) throw new Error(loaded.faults.join('\n'));
  return loaded;
}

function faultsOf(env: NodeJS.ProcessEnv): string[] {
  const loaded = loadGatewayConfig({ env, cwd: directory });
  return loaded.ok ? [] : loaded.faults;
}

describe('the environment alone', () => {
  it('makes a provider of each key, and serves what they serve, the maker first', () => {
    const env = { ANTHROPIC_API_KEY: 'a', OPENAI_API_KEY: 'o', OPENROUTER_API_KEY: 'r' };
    const catalog = buildCatalog(fromEnvironment(env).config);
    expect([...catalog.providers.values()].map(({ id, kind, baseUrl, apiKey }) => [id, kind, baseUrl, apiKey])).toEqual(
      [
        ['anthropic-direct', 'anthropic', 'https://api.anthropic.com', 'a'],
        ['openai-direct', 'openai', 'https://api.openai.com/v1', 'o'],
        ['openrouter', 'openrouter', 'https://openrouter.ai/api/v1', 'r'],
      ],
    );
    const upstreams = (id: string) => catalog.models.get(id)?.upstreams.map((upstream) => upstream.provider);
    expect(upstreams('anthropic/claude-sonnet-4.6')).toEqual(['anthropic-direct', 'openrouter']);
    expect(upstreams('openai/gpt-5.4')).toEqual(['openai-direct', 'openrouter']);
    expect(upstreams('x-ai/grok-4.7')).toEqual(['openrouter']);
  });

  it('ignores an empty key', () => {
    expect(fromEnvironment({ ANTHROPIC_API_KEY: ' ' }).config.providers).toEqual([]);
  });

  it('honours base URLs, and says so', () => {
    const env = { ANTHROPIC_API_KEY: 'a', ANTHROPIC_BASE_URL: 'https://proxy.example.com/anthropic/' };
    const loaded = fromEnvironment(env);
    expect(loaded.config.providers[0]?.baseUrl).toBe('https://proxy.example.com/anthropic');
    expect(loaded.warnings).toEqual(['ANTHROPIC_BASE_URL is set: anthropic-direct is reached there']);
  });

  it('refuses a base URL that is the gateway itself', () => {
    const env = { OPENAI_API_KEY: 'o', OPENAI_BASE_URL: 'http://localhost:8081/v1' };
    expect(faultsOf({ ...env, PORT: '8081' })[0]).toMatch(/^OPENAI_BASE_URL: is this gateway itself/);
    expect(faultsOf({ ...env, PORT: '8082' })).toEqual([]);
  });

  it('refuses a base URL of the wrong form or network', () => {
    const env = { ANTHROPIC_API_KEY: 'a', OPENAI_API_KEY: 'o' };
    const wrong = { ANTHROPIC_BASE_URL: 'https://x.example.com/v1', OPENAI_BASE_URL: 'http://10.0.0.1/v1' };
    expect(faultsOf({ ...env, ...wrong })).toEqual([
      'ANTHROPIC_BASE_URL: must not end in /v1',
      expect.stringContaining('OPENAI_BASE_URL: is in a private network'),
    ]);
  });

  it('gives way to the providers of a file, and fills in for a file without any', () => {
    writeFileSync(join(directory, 'gateway.yaml'), 'providers: []\n');
    expect(fromEnvironment({ OPENAI_API_KEY: 'o' }).config.providers).toEqual([]);
    writeFileSync(join(directory, 'gateway.yaml'), 'brand: { slug: own }\n');
    expect(fromEnvironment({ OPENAI_API_KEY: 'o' }).config.providers.map(({ id }) => id)).toEqual(['openai-direct']);
  });
});

describe('the simulator for an upstream', () => {
  const config = simulatorConfig({ simulatorUrl: 'http://127.0.0.1:4010/', demoKeyHash: keyHash('cm_test_demo') });
  const catalog = buildCatalog(config);

  it('is two providers, one of each dialect, one of them of the lowest tier', () => {
    expect(config.providers.map(({ id, kind, baseUrl, tier }) => [id, kind, baseUrl, tier])).toEqual([
      ['sim-anthropic', 'anthropic-compatible', 'http://127.0.0.1:4010', 0],
      ['sim-openai', 'openai-compatible', 'http://127.0.0.1:4010/v1', 1],
    ]);
  });

  it('plays every built-in model in the dialect of its maker, under its own name', () => {
    for (const facts of BUILTIN_MODELS) {
      const own = facts.id.startsWith('anthropic/') ? 'sim-anthropic' : 'sim-openai';
      expect(catalog.models.get(facts.id)?.upstreams.map((upstream) => upstream.provider)).toEqual([own]);
    }
    expect(catalog.models.get('anthropic/claude-sonnet-4.6')?.upstreams[0]?.model).toBe('claude-sonnet-4-6');
    expect(catalog.models.get('openai/gpt-4o')?.upstreams[0]?.model).toBe('gpt-4o');
  });

  it('adds models of its own in both dialects, each with a price and what it is named for', () => {
    for (const { id, upstreams, pricing } of simulatorModels()) {
      expect(catalog.models.has(id)).toBe(true);
      expect(upstreams.map((upstream) => upstream.provider)).toEqual(['sim-anthropic', 'sim-openai']);
      expect(pricing).toMatchObject([{ prices: { input: 1_000_000, output: 2_000_000 } }]);
    }
    expect(catalog.models.get('sim/tiny-context')?.contextWindow).toBe(1000);
    expect(catalog.models.get('sim/no-vision')?.capabilities).toMatchObject({ vision: false, tools: 'native' });
    expect(catalog.models.get('sim/no-tools')?.capabilities).toMatchObject({ vision: true, tools: 'none' });
  });

  it('lets one demo key in, without limits', () => {
    expect(buildKeyRecords(config)).toEqual([
      expect.objectContaining({
        ...{ id: 'key_demo_demo', hash: keyHash('cm_test_demo'), permissions: ['*'], models: [], limits: {} },
        tenant: { id: 'demo', name: 'Demo', active: true, limits: {} },
      }),
    ]);
  });

  it('beside real providers, never answers for a real model', () => {
    const { config: real } = fromEnvironment({ ANTHROPIC_API_KEY: 'a' });
    const both = withDemoTenant(withSimulator(real, { simulatorUrl: 'http://127.0.0.1:4010' }), keyHash('k'));
    const simulated = both.models.filter((model) =>
      model.upstreams.some(({ provider }) => provider.startsWith('sim-')),
    );
    expect(simulated.map((model) => model.id)).toEqual(simulatorModels().map((model) => model.id));
  });
});
