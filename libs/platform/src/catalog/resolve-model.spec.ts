import type { Catalog, Model } from '@switchboard/contracts';
import { buildCatalog } from '../config/gateway-config';
import { simulatorConfig } from '../config/first-run';
import { closestModels, resolveModel } from './resolve-model';

const catalog = buildCatalog(simulatorConfig({ simulatorUrl: 'http://127.0.0.1:9999', demoKeyHash: 'ab'.repeat(32) }));

const idOf = (name: string, dialect: 'anthropic-messages' | 'openai-chat') => resolveModel(catalog, name, dialect)?.id;

describe('resolveModel', () => {
  it.each([
    ['claude-sonnet-4.6', 'anthropic/claude-sonnet-4.6'],
    ['claude-sonnet-4-6', 'anthropic/claude-sonnet-4.6'],
    ['anthropic/claude-sonnet-4.6', 'anthropic/claude-sonnet-4.6'],
    ['anthropic/claude-sonnet-4-6', 'anthropic/claude-sonnet-4.6'],
    ['claude-haiku-4-5-20251001', 'anthropic/claude-haiku-4.5'],
    ['sonnet', 'anthropic/claude-sonnet-5.5'],
    ['sarvam-30b', 'sarvam-30b'],
    ['gpt-4o', 'openai/gpt-4o'],
    ['openai/gpt-4o', 'openai/gpt-4o'],
    ['sim/echo', 'sim/echo'],
  ])('reads %s as %s in either dialect', (name, id) => {
    expect(idOf(name, 'anthropic-messages')).toBe(id);
    expect(idOf(name, 'openai-chat')).toBe(id);
  });

  it.each(['claude-9', 'gpt-4', 'anthropic/sonnet', 'Claude-Sonnet-4.6', '', 'auto', '__proto__'])(
    'knows no model %p',
    (name) => {
      expect(idOf(name, 'anthropic-messages')).toBeUndefined();
      expect(idOf(name, 'openai-chat')).toBeUndefined();
    },
  );

  it('prefixes a bare claude-* on Anthropic paths only, and prefers the prefixed id to an alias elsewhere', () => {
    const model = (id: string, aliases: string[]): Model => ({ ...[...catalog.models.values()][0]!, id, aliases });
    const models = [model('mine/claude', ['claude-x']), model('anthropic/claude-x', [])];
    const own: Catalog = { ...catalog, models: new Map(models.map((each) => [each.id, each])) };
    expect(resolveModel(own, 'claude-x', 'anthropic-messages')?.id).toBe('anthropic/claude-x');
    expect(resolveModel(own, 'claude-x', 'openai-chat')?.id).toBe('mine/claude');
  });

  it('answers from the catalog it is given: a new value is a new index', () => {
    const emptied: Catalog = { ...catalog, models: new Map() };
    expect(resolveModel(catalog, 'gpt-4o', 'openai-chat')).toBeDefined();
    expect(resolveModel(emptied, 'gpt-4o', 'openai-chat')).toBeUndefined();
  });
});

describe('closestModels', () => {
  it('names the intended model first, over misspellings and missing parts', () => {
    expect(closestModels(catalog, 'claude-sonet-4.6')[0]).toBe('anthropic/claude-sonnet-4.6');
    expect(closestModels(catalog, 'gpt4o')[0]).toBe('openai/gpt-4o');
    expect(closestModels(catalog, 'gemini-3.8')[0]).toBe('google/gemini-3.8-flash');
    expect(closestModels(catalog, 'GROK-4.7')[0]).toBe('x-ai/grok-4.7');
  });

  it('gives three different ids by default, fewer only where there are fewer', () => {
    const closest = closestModels(catalog, 'claude-opus');
    expect(new Set(closest).size).toBe(3);
    expect(closestModels(catalog, 'anything', 5)).toHaveLength(5);
    expect(closestModels({ ...catalog, models: new Map() }, 'anything')).toEqual([]);
  });

  it('stays quick over a name of a megabyte', () => {
    const startedAt = performance.now();
    expect(closestModels(catalog, 'x'.repeat(1_000_000))).toHaveLength(3);
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });
});
