import fc from 'fast-check';
import { costNanoUsd, type Prices } from '@switchboard/contracts';
import { emptyUsage, type Usage } from '@switchboard/protocol';
import { affordable } from './affordable';

const PRICES: Prices = {
  ...{ input: 3_000_000, output: 15_000_000, cacheRead: 300_000, cacheWrite5m: 3_750_000, cacheWrite1h: 6_000_000 },
};

const tokens = fc.nat({ max: 1_000_000 });
const price = fc.nat({ max: 50_000_000 });
const tokenPrices = fc.record(
  { input: price, output: price, cacheRead: price, cacheWrite5m: price, cacheWrite1h: price, reasoning: price },
  { requiredKeys: ['input', 'output', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h'] },
);
const anyPrices: fc.Arbitrary<Prices> = fc.oneof(
  tokenPrices,
  fc
    .record({ short: tokenPrices, long: tokenPrices, aboveInputTokens: tokens })
    .map(({ short, long, aboveInputTokens }) => ({ ...short, longPrompt: { aboveInputTokens, prices: long } })),
);
const anyUsage: fc.Arbitrary<Usage> = fc
  .record({
    ...{ inputTokens: tokens, cacheReadTokens: tokens, cacheWrite5mTokens: tokens },
    cacheWrite1hTokens: tokens,
    outputTokens: tokens,
  })
  .chain((usage) => fc.nat({ max: usage.outputTokens }).map((reasoningTokens) => ({ ...usage, reasoningTokens })));

describe('as much of a usage as is paid for', () => {
  it('is all of it where the money is enough', () => {
    const usage = { ...emptyUsage(), inputTokens: 100, outputTokens: 10 };
    expect(affordable(usage, PRICES, costNanoUsd(usage, PRICES))).toBe(usage);
  });

  it('leaves out output first, and reasoning that is more than that', () => {
    const usage = { ...emptyUsage(), inputTokens: 100, outputTokens: 10, reasoningTokens: 9 };
    const paid = affordable(usage, PRICES, 100 * 3_000 + 4 * 15_000 + 14_999);
    expect(paid).toEqual({ ...usage, outputTokens: 4, reasoningTokens: 4 });
  });

  it('leaves out reasoning last of the output, at its own price', () => {
    const usage = { ...emptyUsage(), inputTokens: 100, outputTokens: 10, reasoningTokens: 4 };
    const prices = { ...PRICES, reasoning: 20_000_000 };
    expect(affordable(usage, prices, 300_000 + 4 * 20_000 + 15_000)).toEqual({ ...usage, outputTokens: 5 });
    const paid = affordable(usage, prices, 300_000 + 3 * 20_000 + 19_999);
    expect(paid).toEqual({ ...usage, outputTokens: 3, reasoningTokens: 3 });
  });

  it('leaves out input too where that alone costs more', () => {
    const usage = { ...emptyUsage(), inputTokens: 100, cacheWrite1hTokens: 10, outputTokens: 10 };
    expect(affordable(usage, PRICES, 90 * 3_000)).toEqual({ ...emptyUsage(), inputTokens: 90 });
  });

  it('leaves out what costs something where the output is free', () => {
    const usage = { ...emptyUsage(), inputTokens: 100, outputTokens: 10 };
    expect(affordable(usage, { ...PRICES, output: 0 }, 30_000)).toEqual({ ...usage, inputTokens: 10 });
  });

  it('never costs more than the money, and never has more of anything', () => {
    fc.assert(
      fc.property(anyUsage, anyPrices, fc.double({ min: 0, max: 1.2, noNaN: true }), (usage, prices, share) => {
        const nanoUsd = Math.floor(costNanoUsd(usage, prices) * share);
        const paid = affordable(usage, prices, nanoUsd);
        expect(costNanoUsd(paid, prices)).toBeLessThanOrEqual(nanoUsd);
        for (const kind of Object.keys(usage) as (keyof Usage)[]) {
          expect(paid[kind]).toBeLessThanOrEqual(usage[kind]);
          expect(paid[kind]).toBeGreaterThanOrEqual(0);
        }
        expect(paid.reasoningTokens).toBeLessThanOrEqual(paid.outputTokens);
      }),
      { numRuns: 2_000 },
    );
  });

  it('leaves out hardly more than it must where all is at one price', () => {
    fc.assert(
      fc.property(anyUsage, tokenPrices, fc.double({ min: 0, max: 1, noNaN: true }), (usage, prices, share) => {
        const nanoUsd = Math.floor(costNanoUsd(usage, prices) * share);
        const paid = affordable(usage, prices, nanoUsd);
        const dearestNanoUsd = Math.max(...Object.values(prices)) / 1000;
        expect(nanoUsd - costNanoUsd(paid, prices)).toBeLessThanOrEqual(5 * dearestNanoUsd + 5);
      }),
    );
  });
});
