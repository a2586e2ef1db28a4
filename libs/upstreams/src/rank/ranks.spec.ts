import { expectedCost } from './expected-cost';
import { ranksOf } from './ranks';

const compared = [
  { tier: 1, price: 5 },
  { tier: 0, price: 9 },
  { tier: 1, price: 5 },
  { tier: 1, price: 4 },
];

test('equals share a place; health stands where the policy has it', () => {
  expect(ranksOf(compared, ['tier', 'price'])).toEqual([
    { rank: 2, degradedRank: 2 },
    { rank: 0, degradedRank: 0 },
    { rank: 2, degradedRank: 2 },
    { rank: 1, degradedRank: 1 },
  ]);
  expect(ranksOf(compared, ['health', 'tier', 'price']).map(({ degradedRank }) => degradedRank)).toEqual([5, 3, 5, 4]);
  expect(ranksOf(compared, ['tier', 'health', 'price'])).toEqual([
    { rank: 3, degradedRank: 5 },
    { rank: 0, degradedRank: 1 },
    { rank: 3, degradedRank: 5 },
    { rank: 2, degradedRank: 4 },
  ]);
  expect(
    ranksOf(
      [
        { tier: Infinity, price: Infinity },
        { tier: Infinity, price: Infinity },
      ],
      ['tier', 'price'],
    ),
  ).toEqual([
    { rank: 0, degradedRank: 0 },
    { rank: 0, degradedRank: 0 },
  ]);
});

test('what a call is likely to cost counts the cache, and long prompts at their price', () => {
  const long = { input: 6_000, output: 30_000, cacheRead: 600, cacheWrite5m: 0, cacheWrite1h: 0 };
  const prices = { ...long, input: 3_000, output: 15_000, cacheRead: 300 };
  const call = { inputTokens: 1_000, outputTokens: 100, cacheHitRate: 0.5 };
  expect(expectedCost(prices, call)).toBe(1_650 + 1_500);
  expect(expectedCost({ ...prices, longPrompt: { aboveInputTokens: 999, prices: long } }, call)).toBe(3_300 + 3_000);
});
