import type { ExplanationV1, RankedUpstreamV2, RoutedPolicyV2 } from '@switchboard/contracts';
import { always, catalogOf, model, prices, upstream } from '../__fixtures__/catalog';
import { explain, type RoutingSnapshot } from './explain';

const sonnet = model(
  'anthropic/claude-sonnet',
  [upstream('cloud', 'sonnet-1'), upstream('gone', 'sonnet-2'), upstream('flat', 'sonnet-3')],
  { aliases: ['sonnet'], pricing: always(prices(3, 15)) },
);
const small = model('own/small', [upstream('gpu', 'small')], { pricing: always(prices(4, 20)) });
const cheap = model('own/cheap', [upstream('flat', 'cheap')], { pricing: always(prices(0.1, 0.2)) });
const embedding = model('own/embed', [upstream('gpu', 'embed')], { category: 'embedding' });
const catalog = catalogOf([sonnet, small, cheap, embedding]);

const NOTHING: RoutingSnapshot = { head: undefined, model: () => undefined, policy: () => undefined };
const versioned = { epoch: 1, version: 7, createdAtMs: 9 };

function snapshotOf(
  models: Record<string, RankedUpstreamV2[]>,
  policies: Partial<Record<RoutedPolicyV2['policy'], RoutedPolicyV2['ranked']>> = {},
): RoutingSnapshot {
  return {
    head: { ...versioned, leader: 'router-0' },
    model: (id) => (Object.hasOwn(models, id) ? { ...versioned, model: id, upstreams: models[id] ?? [] } : undefined),
    policy: (policy) => policies[policy] && { ...versioned, policy, ranked: policies[policy] },
  };
}

const ranked = (provider: string, name: string, differs: Partial<RankedUpstreamV2> = {}): RankedUpstreamV2 => ({
  ...{ provider, model: name, state: 'healthy', stateVersion: 1, weight: 1 },
  ...differs,
});

const tried = ({ candidates }: ExplanationV1): string[] =>
  candidates.filter(({ eligible }) => eligible).map((each) => `${each.provider}:${each.upstreamModel}`);

test.each(['anthropic/claude-sonnet', 'sonnet', 'claude-sonnet'])(
  '%s is the model it resolves to; without a snapshot its upstreams in the order of the catalog, what cannot be tried last',
  (name) => {
    const explanation = explain({ model: name, atMs: 0 }, catalog, NOTHING);
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
        expectedCostUsd: 0.0105,
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

test("the snapshot's order counts, with its age, states and figures; an upstream that came after it is tried last", () => {
  const figures = { firstTokenMs: 500, tokensPerSecond: 50, outputTokens: 100, cacheHitRate: 0.5 };
  const failing = { state: 'degraded', reason: '3 of 9 calls failed' } as const;
  const snapshot = snapshotOf({
    [sonnet.id]: [ranked('flat', 'sonnet-3', { ...failing, ...figures }), ranked('unheard-of', 'x')],
  });
  const explanation = explain({ model: 'sonnet', atMs: 0 }, catalog, snapshot);
  expect(explanation).toMatchObject({ snapshotCreatedAtMs: 9, snapshotVersion: 7 });
  expect(tried(explanation)).toEqual(['flat:sonnet-3', 'cloud:sonnet-1']);
  expect(explanation.candidates[0]).toMatchObject({
    ...{ state: 'degraded', stateReason: failing.reason, ...figures, expectedSeconds: 2.5, expectedCostUsd: 0.0045 },
    reason: 'tried first, in the order of the router; degraded: 3 of 9 calls failed',
  });
  expect(explanation.candidates[1]?.reason).toMatch(/; the router has not ranked it yet$/);
});

test('an upstream that is open is not tried, and says why', () => {
  const open = { state: 'open', reason: '9 of 9 calls failed', retryAfterMs: 1_000 } as const;
  const snapshot = snapshotOf({ [sonnet.id]: [ranked('cloud', 'sonnet-1', open), ranked('flat', 'sonnet-3')] });
  const pinned = explain({ model: 'sonnet', atMs: 0 }, catalog, snapshot);
  expect(tried(pinned)).toEqual(['flat:sonnet-3']);
  expect(pinned.candidates[1]).toMatchObject({
    ...{ upstreamModel: 'sonnet-1', eligible: false, state: 'open', reason: 'not tried now: 9 of 9 calls failed' },
  });
  expect(tried(explain({ model: 'auto', atMs: 0 }, catalog, snapshot))).not.toContain('cloud:sonnet-1');
});

test('a model that the snapshot does not know yet keeps its order, whatever it is called', () => {
  const odd = catalogOf([model('constructor', [upstream('cloud', 'a'), upstream('gpu', 'b')])]);
  expect(tried(explain({ model: 'constructor', atMs: 0 }, odd, snapshotOf({})))).toEqual(['cloud:a', 'gpu:b']);
});

test('an unknown name has no candidates but the closest ids', () => {
  const explanation = explain({ model: 'own/smal', atMs: 0 }, catalog, snapshotOf({}));
  expect(explanation).toMatchObject({ found: false, candidates: [], snapshotCreatedAtMs: 9 });
  expect(explanation.suggestions[0]).toBe('own/small');
  expect(explanation).not.toHaveProperty('resolved');
});

test('auto tries lower tiers first, then lower prices, and says so', () => {
  const explanation = explain({ model: 'auto', atMs: 0 }, catalog, NOTHING);
  expect(explanation).toMatchObject({ found: true, suggestions: [] });
  expect(explanation).not.toHaveProperty('resolved');
  expect(tried(explanation)).toEqual(['gpu:small', 'flat:cheap', 'flat:sonnet-3', 'cloud:sonnet-1']);
  expect(explanation.candidates[0]).toMatchObject({
    rank: 0,
    reason: 'tried first: tier 0, healthy, 0.014 USD for a call as usual',
  });
  expect(explanation.candidates[1]?.reason).toMatch(/^tried when the 1 before it cannot serve: tier 1, /);
});

test.each([
  ['auto:cheapest', ['flat:cheap', 'flat:sonnet-3', 'cloud:sonnet-1', 'gpu:small']],
  ['auto:fastest', ['gpu:small', 'flat:cheap', 'flat:sonnet-3', 'cloud:sonnet-1']],
])('%s has an order of its own', (name, expected) => {
  expect(tried(explain({ model: name, atMs: 0 }, catalog, NOTHING))).toEqual(expected);
});

test('what was published of a policy is what is told, with its ranks; what came since is last', () => {
  const speed = { firstTokenMs: 500, tokensPerSecond: 50 };
  const snapshot = snapshotOf(
    { [sonnet.id]: [ranked('flat', 'sonnet-3'), ranked('cloud', 'sonnet-1', speed)] },
    {
      'auto:fastest': [
        { model: sonnet.id, provider: 'cloud', upstreamModel: 'sonnet-1', rank: 0 },
        { model: 'own/cheap', provider: 'flat', upstreamModel: 'cheap', rank: 1 },
        { model: sonnet.id, provider: 'flat', upstreamModel: 'sonnet-3', rank: 1 },
      ],
    },
  );
  const { candidates } = explain({ model: 'auto:fastest', atMs: 0 }, catalog, snapshot);
  expect(candidates.slice(0, 4).map((each) => [each.upstreamModel, each.rank])).toEqual([
    ['sonnet-1', 0],
    ['cheap', 1],
    ['sonnet-3', 1],
    ['small', undefined],
  ]);
  expect(candidates[0]?.reason).toBe('tried first: 11 s for a reply as usual, healthy');
  expect(candidates[1]?.reason).toContain('speed not measured yet, healthy, tier 1');
  expect(candidates[3]?.reason).toContain('the router has not ranked it yet');
});

test('what auto may not choose is listed last, with the reason', () => {
  const narrow = catalogOf([...catalog.models.values()], { models: ['own/*'] });
  const explanation = explain({ model: 'auto', atMs: 0 }, narrow, NOTHING);
  expect(tried(explanation)).toEqual(['gpu:small', 'flat:cheap']);
  const reasons = Object.fromEntries(explanation.candidates.slice(2).map((each) => [each.upstreamModel, each.reason]));
  expect(reasons).toEqual({
    'sonnet-1': 'policies.auto.models does not let auto choose it',
    'sonnet-2': 'the catalog has no provider gone',
    'sonnet-3': 'policies.auto.models does not let auto choose it',
    embed: 'an embedding model cannot converse',
  });
  const none = catalogOf([small], { models: [] });
  expect(tried(explain({ model: 'auto', atMs: 0 }, none, NOTHING))).toEqual([]);
});

test('auto:something is a name like any other', () => {
  expect(explain({ model: 'auto:best', atMs: 0 }, catalog, NOTHING).found).toBe(false);
});
