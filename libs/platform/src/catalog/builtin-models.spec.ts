import type { Provider } from '@switchboard/contracts';
import { BUILTIN_MODELS, servableModels } from './builtin-models';

function provider(id: string, kind: Provider['kind'], baseUrl: string): Provider {
  return {
    ...{ id, kind, baseUrl, headers: {}, tier: 2, limits: {}, trustedNetwork: false },
    timeouts: { connectMs: 1, firstTokenMs: 1, idleMs: 1, totalMs: 1 },
  };
}

const anthropic = provider('claude', 'anthropic', 'https://api.anthropic.com');
const openrouter = provider('router', 'openrouter', 'https://openrouter.ai/api/v1');

describe('the built-in models', () => {
  it('are a few dozen, and no name stands for two of them', () => {
    expect(BUILTIN_MODELS.length).toBeGreaterThanOrEqual(30);
    const names = BUILTIN_MODELS.flatMap((facts) => [facts.id, ...facts.aliases]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it.each(BUILTIN_MODELS.map((facts) => [facts.id, facts] as const))(
    '%s has whole prices and sane limits',
    (_, facts) => {
      const sheets = [facts.pricing, ...(facts.pricing.longPrompt ? [facts.pricing.longPrompt] : [])];
      const { input, output } = facts.pricing;
      for (const usd of sheets.flatMap(({ input, output, cacheRead = 0, cacheWrite5m = 0, cacheWrite1h = 0 }) => [
        ...[input, output, cacheRead, cacheWrite5m, cacheWrite1h],
      ])) {
        expect(Math.abs(usd * 1e6 - Math.round(usd * 1e6))).toBeLessThan(1e-3);
        expect(usd).toBeLessThanOrEqual(100);
      }
      expect(input).toBeGreaterThan(0);
      expect(facts.category === 'embedding' ? output === 0 : output > 0).toBe(true);
      expect(facts.maxOutputTokens).toBeLessThanOrEqual(facts.contextWindow);
      expect(Number.isNaN(Date.parse(facts.released))).toBe(false);
      expect(Object.keys(facts.names)).not.toEqual([]);
    },
  );

  it('charge for the cache: reading costs at most the input price, writing at least', () => {
    for (const { pricing } of BUILTIN_MODELS) {
      expect(pricing.cacheRead ?? pricing.input).toBeLessThanOrEqual(pricing.input);
      expect(pricing.cacheWrite5m ?? pricing.input).toBeGreaterThanOrEqual(pricing.input);
      expect(pricing.cacheWrite1h ?? pricing.input).toBeGreaterThanOrEqual(pricing.cacheWrite5m ?? pricing.input);
    }
  });
});

describe('servableModels', () => {
  it('tries the maker before the reseller, whatever the order of the providers, each by its own name', () => {
    const sonnet = servableModels([openrouter, anthropic]).find((model) => model.id === 'anthropic/claude-sonnet-4.6');
    expect(sonnet?.upstreams.map(({ provider: id, model }) => [id, model])).toEqual([
      ['claude', 'claude-sonnet-4-6'],
      ['router', 'anthropic/claude-sonnet-4.6'],
    ]);
    const prices = {
      ...{ input: 3_000_000, output: 15_000_000, cacheRead: 300_000, cacheWrite5m: 3_750_000, cacheWrite1h: 6_000_000 },
    };
    expect(sonnet?.pricing).toEqual([{ prices }]);
    expect(sonnet?.upstreams[0]?.cost).toEqual(prices);
  });

  it('offers only what a provider serves', () => {
    expect(servableModels([]).length).toBe(0);
    expect(servableModels([anthropic]).every((model) => model.id.startsWith('anthropic/'))).toBe(true);
  });

  it('knows a compatible endpoint by its host, and assumes nothing of another', () => {
    const sarvam = provider('sarvam', 'openai-compatible', 'https://api.sarvam.ai/v1');
    const gpus = provider('gpus', 'openai-compatible', 'https://gpus.example.com/v1');
    expect(servableModels([sarvam, gpus]).map((model) => model.id)).toEqual(['sarvam-30b']);
  });
});
