import type { PolicyOrder, UpstreamState } from '@switchboard/contracts';
import { expectedSeconds, likelyCall } from './expectation';
import { orderUpstreams } from './model-order';
import { isPolicyName, type PolicyName, type PolicyStanding, rankByPolicy } from './policy';

interface Named extends PolicyStanding {
  name: string;
}

const standing = (name: string, differs: Partial<PolicyStanding> = {}): Named => ({
  ...{ name, tier: 2, state: 'healthy', cost: 100, seconds: undefined },
  ...differs,
});

const AUTO: readonly PolicyOrder[] = ['tier', 'health', 'price'];

function ranked(policy: PolicyName, candidates: Named[], order = AUTO): string {
  return rankByPolicy(policy, order, candidates)
    .map(({ candidate, rank }) => `${candidate.name}${rank}`)
    .join(' ');
}

const near = standing('near', { tier: 0, cost: 500 });
const ailing = standing('ailing', { tier: 0, cost: 1, state: 'degraded' });
const trying = standing('trying', { tier: 0, cost: 1, state: 'half-open' });
const open = standing('open', { tier: 0, cost: 1, state: 'open', seconds: 0.1 });
const cheap = standing('cheap', { cost: 10 });
const twin = standing('twin', { cost: 10 });

test('auto goes by its order; equals share a rank and keep their order', () => {
  expect(ranked('auto', [twin, cheap, ailing, near])).toBe('near0 ailing1 twin2 cheap2');
  expect(ranked('auto', [near, ailing, cheap], ['price'])).toBe('ailing0 cheap1 near2');
  expect(ranked('auto', [near, cheap], [])).toBe('near0 cheap0');
});

test('an upstream that is open comes last, whatever the policy', () => {
  const all = [open, trying, ailing, cheap, near];
  expect(ranked('auto', all)).toBe('near0 ailing1 trying2 cheap3 open4');
  expect(ranked('auto:cheapest', all)).toBe('cheap0 near1 ailing2 trying3 open4');
  expect(ranked('auto:fastest', all)).toBe('cheap0 near0 ailing1 trying2 open3');
});

test('auto:cheapest goes by what a call costs, then by tier', () => {
  expect(ranked('auto:cheapest', [near, twin, standing('closer', { cost: 10, tier: 1 }), cheap])).toBe(
    'closer0 twin1 cheap1 near2',
  );
});

test('auto:fastest goes by seconds, of which less than a tenth is no difference; the unmeasured share the calls of the fastest', () => {
  const fast = standing('fast', { seconds: 2, cost: 900 });
  const asFast = standing('asFast', { seconds: 2.05 });
  const slow = standing('slow', { seconds: 4, tier: 0 });
  expect(ranked('auto:fastest', [cheap, near, slow, asFast, fast])).toBe('cheap0 near0 asFast0 fast0 slow1');
  expect(ranked('auto:fastest', [cheap, near])).toBe('near0 cheap1');
});

test('what nothing can reach comes after all that something can', () => {
  const stranded = standing('stranded', { tier: Infinity, cost: 1 });
  const other = standing('other', { tier: Infinity, cost: 1 });
  expect(ranked('auto', [stranded, cheap, other])).toBe('cheap0 stranded1 other1');
  const fast = standing('fast', { seconds: 2 });
  expect(ranked('auto:fastest', [stranded, cheap, fast])).toBe('cheap0 fast0 stranded1');
});

test('policies are three names', () => {
  expect(['auto', 'auto:cheapest', 'auto:fastest'].every(isPolicyName)).toBe(true);
  expect(isPolicyName('auto:best')).toBe(false);
});

test('a call is expected to come to what calls came to there, or to what is typical', () => {
  expect(likelyCall({})).toEqual({ inputTokens: 1_000, outputTokens: 500, cacheHitRate: 0 });
  expect(likelyCall({ outputTokens: 90, cacheHitRate: 0.5 }, 7)).toEqual({
    ...{ inputTokens: 7, outputTokens: 90, cacheHitRate: 0.5 },
  });
  expect(expectedSeconds({ firstTokenMs: 500, tokensPerSecond: 50, outputTokens: 100 })).toBe(2.5);
  expect(expectedSeconds({ firstTokenMs: 500, tokensPerSecond: 50 })).toBe(10.5);
  expect(expectedSeconds({ firstTokenMs: 500 })).toBeUndefined();
});

test("a model's upstreams are ordered by state, tier, what we pay, and else as they stand in the catalog", () => {
  const of = (name: string, state: UpstreamState, tier: number, ownCost: number) => ({ name, state, tier, ownCost });
  const ordered = orderUpstreams([
    of('open', 'open', 0, 0),
    of('far', 'healthy', Infinity, 0),
    of('dear', 'healthy', 1, 9),
    of('a', 'healthy', 1, 2),
    of('b', 'healthy', 1, 2),
    of('own', 'healthy', 0, 99),
    of('half', 'half-open', 0, 0),
    of('ailing', 'degraded', 5, 50),
  ]);
  expect(ordered.map(({ name }) => name)).toEqual(['own', 'a', 'b', 'dear', 'far', 'ailing', 'half', 'open']);
});
