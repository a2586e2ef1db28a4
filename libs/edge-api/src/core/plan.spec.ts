import {
  DEFAULT_ROUTING,
  GatewayError,
  type Catalog,
  type KeyRecord,
  type Model,
  type PolicyOrder,
  type Provider,
} from '@switchboard/contracts';
import { always, candidate, prices } from './__fixtures__/candidate';
import { keyRecord } from './__fixtures__/key-record';
import { Planner, type Candidate, type Needs } from './plan';
import { UpstreamRegistry } from './upstream-registry';

const price = (input: number): Partial<Model> => ({ pricing: always({ ...prices, input }) });

/** One model per entry, each at a provider of its own with the given tier. */
function catalogOf(entries: [id: string, tier: number, changes?: Partial<Model>][], order?: PolicyOrder[]): Catalog {
  const made = entries.map(([id, tier, changes]) => {
    const provider: Provider = { ...candidate().provider, id: `at-${id}`, tier };
    const upstreams = [{ ...candidate().upstream, provider: provider.id }];
    return { provider, model: { ...candidate().model, id, upstreams, ...changes } };
  });
  return {
    providers: new Map(made.map(({ provider }) => [provider.id, provider])),
    models: new Map(made.map(({ model }) => [model.id, model])),
    auto: { order: order ?? ['tier', 'health', 'price'], models: ['*'] },
    routing: DEFAULT_ROUTING,
  };
}

const anything: Needs = { vision: false, tools: false };
const size = () => ({ inputTokens: 1_000, outputTokensMost: undefined });

let upstreams: UpstreamRegistry;
let planner: Planner;

beforeEach(() => {
  upstreams = new UpstreamRegistry();
  planner = new Planner(upstreams);
});

function outcome(planned: readonly Candidate[] | GatewayError): string | string[] {
  return planned instanceof GatewayError ? planned.code : planned.map(({ model }) => model.id);
}

const auto = (catalog: Catalog, name = 'auto', needs = anything, key: KeyRecord = keyRecord()) =>
  outcome(planner.auto(catalog, key, name, { needs, size, startedAtMs: 0 }));

describe('auto', () => {
  it('orders by tier, then price', () => {
    const catalog = catalogOf([
      ['cloud', 2, price(1)],
      ['own-dear', 0, price(9)],
      ['own', 0, price(5)],
    ]);
    expect(auto(catalog)).toEqual(['own', 'own-dear', 'cloud']);
    expect(auto(catalog, 'auto:cheapest')).toEqual(['cloud', 'own', 'own-dear']);
    expect(auto(catalog, 'auto:fastest')).toEqual(['own', 'own-dear', 'cloud']);
  });

  it('counts on as long a reply from a model that nobody has measured as from the others', () => {
    const catalog = catalogOf([
      ['dear', 0, price(8_000_000)],
      ['cheap', 0, price(4_000_000)],
    ]);
    const ranked = {
      provider: 'at-dear',
      model: 'upstream-model',
      state: 'healthy' as const,
      stateVersion: 1,
      weight: 1,
    };
    upstreams.hear({ ...ranked, outputTokens: 10 }, 0);
    expect(auto(catalog, 'auto:cheapest')).toEqual(['cheap', 'dear']);
  });

  it('leaves out what cannot serve the request', () => {
    const able = candidate().model.capabilities;
    const catalog = catalogOf([
      ['blind', 0, { capabilities: { ...able, vision: false } }],
      ['no-tools', 0, { capabilities: { ...able, tools: 'none' } }],
      ['embeds', 0, { category: 'embedding' }],
      ['able', 1],
      ['able-in-words', 2, { capabilities: { ...able, tools: 'emulated' } }],
    ]);
    expect(auto(catalog, 'auto', { vision: true, tools: true })).toEqual(['able', 'able-in-words']);
  });

  it('says that nothing can serve it, that nothing may, or that there is no such policy', () => {
    const { capabilities } = candidate().model;
    const catalog = catalogOf([['blind', 0, { capabilities: { ...capabilities, vision: false } }]]);
    expect(auto(catalog, 'auto', { ...anything, vision: true })).toBe('unsupported_capability');
    expect(auto(catalog, 'auto', anything, keyRecord({ models: ['openai/*'] }))).toBe('model_not_allowed');
    expect(auto(catalog, 'auto:luckiest')).toBe('model_not_found');
  });

  it('offers a key that may use auto all models, and one that may use some models those', () => {
    const catalog = catalogOf([
      ['a/one', 0],
      ['b/two', 1],
    ]);
    expect(auto(catalog, 'auto', anything, keyRecord({ models: ['auto'] }))).toEqual(['a/one', 'b/two']);
    expect(auto(catalog, 'auto', anything, keyRecord({ models: ['b/*'] }))).toEqual(['b/two']);
  });
});

describe('a pinned model', () => {
  const pinned = (catalog: Catalog, name: string, key: KeyRecord = keyRecord()) =>
    planner.pinned(catalog, key, name, 'openai-chat');

  it('is served by its upstreams, the better tier first, those of unknown providers left out', () => {
    const catalog = catalogOf([
      ['one', 5],
      ['two', 1],
    ]);
    const upstream = candidate().upstream;
    const both = ['at-one', 'gone', 'at-two'].map((provider) => ({ ...upstream, provider }));
    (catalog.models as Map<string, Model>).set('three', { ...candidate().model, id: 'three', upstreams: both });
    const planned = pinned(catalog, 'three');
    expect(planned instanceof GatewayError ? planned : planned.map(({ provider }) => provider.id)).toEqual([
      'at-two',
      'at-one',
    ]);
  });

  it('is refused where it is unknown, not allowed, or no language model', () => {
    const catalog = catalogOf([
      ['a/one', 0],
      ['a/embeds', 0, { category: 'embedding' }],
    ]);
    expect(pinned(catalog, 'a/on')).toMatchObject({ code: 'model_not_found' });
    expect((pinned(catalog, 'a/on') as GatewayError).publicMessage).toContain('a/one');
    expect(pinned(catalog, 'a/one', keyRecord({ models: ['b/*'] }))).toMatchObject({ code: 'model_not_allowed' });
    expect(pinned(catalog, 'a/embeds')).toMatchObject({ code: 'invalid_parameter' });
  });
});
