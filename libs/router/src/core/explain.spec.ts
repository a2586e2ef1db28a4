import type { ExplanationV1 } from '@switchboard/contracts';
import { always, catalogOf, model, prices, upstream } from '../__fixtures__/catalog';
import { explain } from './explain';
import { rankUpstreams } from './ranking';

const sonnet = model(
  'anthropic/claude-sonnet',
  [upstream('cloud', 'sonnet-1'), upstream('gone', 'sonnet-2'), upstream('flat', 'sonnet-3')],
  { aliases: ['sonnet'], pricing: always(prices(3, 15)) },
);
const small = model('own/small', [upstream('gpu', 'small')], { pricing: always(prices(4, 20)) });
const cheap = model('own/cheap', [upstream('flat', 'cheap')], { pricing: always(prices(0.1, 0.2)) });
const embedding = model('own/embed', [upstream('gpu', 'embed')], { category: 'embedding' });
const catalog = catalogOf([sonnet, small, cheap, embedding]);

const tried = ({ candidates }: ExplanationV1): string[] =>
  candidates.filter(({ eligible }) => eligible).map((each) => `${each.provider}:${each.upstreamModel}`);

test.each(['anthropic/claude-sonnet', 'sonnet', 'claude-sonnet'])(
  '%s is the model it resolves to, its upstreams in the order they are tried, what cannot be tried last',
  (name) => {
    const explanation = explain({ model: name, atMs: 0 }, catalog);
    expect(explanation).toMatchObject({ requested: name, resolved: sonnet.id, found: true, suggestions: [] });
    expect(explanation).not.toHaveProperty('snapshotCreatedAtMs');
    expect(explanation.candidates).toEqual([
      {
        model: sonnet.id,
        provider: 'cloud',
        upstreamModel: 'sonnet-1',
        tier: 2,
        weight: 1,
        costUsdPerMillion: { input: 1, output: 2 },
        eligible: true,
        reason: 'tried first, in the order of the catalog',
      },
      expect.objectContaining({
        upstreamModel: 'sonnet-3',
        eligible: true,
        reason: 'tried when the 1 before it cannot serve, in the order of the catalog',
      }),
      expect.objectContaining({
        upstreamModel: 'sonnet-2',
        eligible: false,
        reason: 'the catalog has no provider gone',
      }),
    ]);
  },
);

test("the snapshot's order counts, with its age; an upstream that came after it is tried last", () => {
  const ranking = [
    { provider: 'flat', model: 'sonnet-3' },
    { provider: 'unheard-of', model: 'x' },
  ];
  const explanation = explain({ model: 'sonnet', atMs: 0 }, catalog, {
    createdAtMs: 9,
    models: { [sonnet.id]: ranking },
  });
  expect(tried(explanation)).toEqual(['flat:sonnet-3', 'cloud:sonnet-1']);
  expect(explanation.candidates[0]?.reason).toBe('tried first, in the order of the router');
  expect(explanation.snapshotCreatedAtMs).toBe(9);
});

test('a model that the snapshot does not know yet keeps its order, whatever it is called', () => {
  const odd = catalogOf([model('constructor', [upstream('cloud', 'a'), upstream('gpu', 'b')])]);
  expect(tried(explain({ model: 'constructor', atMs: 0 }, odd, { createdAtMs: 9, models: {} }))).toEqual([
    'cloud:a',
    'gpu:b',
  ]);
});

test('an unknown name has no candidates but the closest ids', () => {
  const explanation = explain({ model: 'own/smal', atMs: 0 }, catalog, rankUpstreams(catalog, 5));
  expect(explanation).toMatchObject({ found: false, candidates: [], snapshotCreatedAtMs: 5 });
  expect(explanation.suggestions[0]).toBe('own/small');
  expect(explanation).not.toHaveProperty('resolved');
});

test('auto tries lower tiers first, then lower prices, and says so', () => {
  const explanation = explain({ model: 'auto', atMs: 0 }, catalog);
  expect(explanation).toMatchObject({ found: true, suggestions: [] });
  expect(explanation).not.toHaveProperty('resolved');
  expect(tried(explanation)).toEqual(['gpu:small', 'flat:cheap', 'flat:sonnet-3', 'cloud:sonnet-1']);
  expect(explanation.candidates[0]?.reason).toBe(
    'tried first: tier 0, health not measured yet, 4 + 20 USD per million tokens in and out',
  );
  expect(explanation.candidates[1]?.reason).toMatch(/^tried when the 1 before it cannot serve: tier 1, /);
});

test.each([
  ['auto:cheapest', ['flat:cheap', 'flat:sonnet-3', 'cloud:sonnet-1', 'gpu:small']],
  ['auto:fastest', ['gpu:small', 'flat:cheap', 'flat:sonnet-3', 'cloud:sonnet-1']],
])('%s has an order of its own', (name, expected) => {
  expect(tried(explain({ model: name, atMs: 0 }, catalog))).toEqual(expected);
});

test('what auto may not choose is listed last, with the reason', () => {
  const narrow = catalogOf([...catalog.models.values()], { models: ['own/*'] });
  const explanation = explain({ model: 'auto', atMs: 0 }, narrow);
  expect(tried(explanation)).toEqual(['gpu:small', 'flat:cheap']);
  const reasons = Object.fromEntries(explanation.candidates.slice(2).map((each) => [each.upstreamModel, each.reason]));
  expect(reasons).toEqual({
    'sonnet-1': 'policies.auto.models does not let auto choose it',
    'sonnet-2': 'policies.auto.models does not let auto choose it',
    'sonnet-3': 'policies.auto.models does not let auto choose it',
    embed: 'an embedding model cannot converse',
  });
  expect(tried(explain({ model: 'auto', atMs: 0 }, catalogOf([small], { models: [] })))).toEqual([]);
});

test('auto:something is a name like any other', () => {
  expect(explain({ model: 'auto:best', atMs: 0 }, catalog).found).toBe(false);
});
