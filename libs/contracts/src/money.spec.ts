import fc from 'fast-check';
import { emptyUsage, totalInputTokens, type Usage } from '@switchboard/protocol';
import { costNanoUsd, type Prices, withDearestOutput } from './money';

const PRICES: Prices = {
  ...{ input: 3_000_000, output: 15_000_000, cacheRead: 300_000, cacheWrite5m: 3_750_000, cacheWrite1h: 6_000_000 },
};

const tokens = fc.nat({ max: 1_000_000 });
const price = fc.nat({ max: 50_000_000 });
const tokenPrices = fc.record(
  { input: price, output: price, cacheRead: price, cacheWrite5m: price, cacheWrite1h: price, reasoning: price },
  { requiredKeys: ['input', 'output', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h'] },
);
const anyUsage: fc.Arbitrary<Usage> = fc
  .record({
    ...{ inputTokens: tokens, cacheReadTokens: tokens, cacheWrite5mTokens: tokens, cacheWrite1hTokens: tokens },
    ...{ outputTokens: tokens, share: fc.double({ min: 0, max: 1, noNaN: true }) },
  })
  .map(({ share, ...usage }) => ({ ...usage, reasoningTokens: Math.floor(usage.outputTokens * share) }));

describe('reasoning', () => {
  const usage = { ...emptyUsage(), inputTokens: 1_000, outputTokens: 100, reasoningTokens: 60 };

  it('costs what other output costs where it has no price of its own', () => {
    expect(costNanoUsd(usage, PRICES)).toBe(1_000 * 3_000 + 100 * 15_000);
  });

  it('costs its own price, dearer or cheaper than the rest of the output', () => {
    expect(costNanoUsd(usage, { ...PRICES, reasoning: 20_000_000 })).toBe(3_000_000 + 40 * 15_000 + 60 * 20_000);
    expect(costNanoUsd(usage, { ...PRICES, reasoning: 0 })).toBe(3_000_000 + 40 * 15_000);
  });

  it('is never more than the output, whatever an upstream says', () => {
    const odd = { ...usage, reasoningTokens: 5_000 };
    expect(costNanoUsd(odd, { ...PRICES, reasoning: 1_000_000 })).toBe(3_000_000 + 100 * 1_000);
  });

  it('has the price of the tier that applies', () => {
    const long = { aboveInputTokens: 1_000, prices: { ...PRICES, reasoning: 1_000_000 } };
    const prices = { ...PRICES, longPrompt: long };
    expect(costNanoUsd(usage, prices)).toBe(costNanoUsd(usage, PRICES));
    expect(costNanoUsd({ ...usage, inputTokens: 1_001 }, prices)).toBe(1_001 * 3_000 + 40 * 15_000 + 60 * 1_000);
  });

  it('is covered by the dearest output, in both tiers', () => {
    const long = { aboveInputTokens: 1_000, prices: { ...PRICES, reasoning: 1_000_000 } };
    expect(withDearestOutput({ ...PRICES, reasoning: 20_000_000, longPrompt: long })).toEqual({
      ...{ ...PRICES, output: 20_000_000 },
      longPrompt: { ...long, prices: PRICES },
    });
    expect(withDearestOutput(PRICES)).toBe(PRICES);
  });
});

it('does not charge the price of a batch for a call that is none', () => {
  const usage = { ...emptyUsage(), inputTokens: 1_000, outputTokens: 100 };
  const batch = { ...PRICES, input: 1, output: 1 };
  expect(costNanoUsd(usage, { ...PRICES, batch })).toBe(costNanoUsd(usage, PRICES));
});

/** In whole pico-USD, where nothing is rounded until the end. */
function exactCost(usage: Usage, prices: Prices): bigint {
  const { longPrompt } = prices;
  const at = longPrompt && totalInputTokens(usage) > longPrompt.aboveInputTokens ? longPrompt.prices : prices;
  const picoUsd = [
    [usage.inputTokens, at.input],
    [usage.cacheReadTokens, at.cacheRead],
    [usage.cacheWrite5mTokens, at.cacheWrite5m],
    [usage.cacheWrite1hTokens, at.cacheWrite1h],
    [usage.outputTokens - usage.reasoningTokens, at.output],
    [usage.reasoningTokens, at.reasoning ?? at.output],
  ].reduce((sum, [count = 0, each = 0]) => sum + BigInt(count) * BigInt(each), 0n);
  return (picoUsd + 500n) / 1000n;
}

it('is exact to the nano-USD, rounded once, half up', () => {
  fc.assert(
    fc.property(anyUsage, tokenPrices, fc.option(tokenPrices), tokens, (usage, prices, long, aboveInputTokens) => {
      const tiered = long === null ? prices : { ...prices, longPrompt: { aboveInputTokens, prices: long } };
      expect(BigInt(costNanoUsd(usage, tiered))).toBe(exactCost(usage, tiered));
    }),
    { numRuns: 1_000 },
  );
});

it('never falls as a call grows, at one price', () => {
  fc.assert(
    fc.property(anyUsage, anyUsage, tokenPrices, (usage, more, prices) => {
      const grown = Object.fromEntries(
        (Object.keys(usage) as (keyof Usage)[]).map((kind) => [kind, usage[kind] + more[kind]]),
      ) as unknown as Usage;
      expect(costNanoUsd(grown, prices)).toBeGreaterThanOrEqual(costNanoUsd(usage, prices));
    }),
    { numRuns: 1_000 },
  );
});
