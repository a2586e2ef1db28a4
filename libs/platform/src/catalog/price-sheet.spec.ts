import { costNanoUsd } from '@switchboard/contracts';
import { emptyUsage } from '@switchboard/protocol';
import { pricesFromSheet } from './price-sheet';

describe('pricesFromSheet', () => {
  it('turns USD per million tokens into whole pico-USD per token', () => {
    const prices = pricesFromSheet({
      ...{ input: 0.1, output: 0.07, cacheRead: 0.0375, cacheWrite5m: 1.005, cacheWrite1h: 0.000001 },
    });
    expect(prices).toEqual({
      ...{ input: 100_000, output: 70_000, cacheRead: 37_500, cacheWrite5m: 1_005_000, cacheWrite1h: 1 },
    });
  });

  it('bills cached tokens without a price of their own as plain input', () => {
    expect(pricesFromSheet({ input: 2, output: 8 })).toEqual({
      ...{ input: 2_000_000, output: 8_000_000 },
      ...{ cacheRead: 2_000_000, cacheWrite5m: 2_000_000, cacheWrite1h: 2_000_000 },
    });
  });

  it('bills the longer cache write as the shorter where only that has a price', () => {
    expect(pricesFromSheet({ input: 2, output: 8, cacheWrite5m: 2.5 }).cacheWrite1h).toBe(2_500_000);
  });
});

it('has a price for reasoning and for batches only where one is given', () => {
  const sheet = { input: 2, output: 8, reasoning: 9, batch: { input: 1, output: 4 } };
  expect(pricesFromSheet(sheet)).toMatchObject({
    reasoning: 9_000_000,
    batch: { input: 1_000_000, cacheRead: 1_000_000 },
  });
  expect(Object.keys(pricesFromSheet({ input: 2, output: 8 }))).not.toContain('reasoning');
});

describe('long prompts', () => {
  const prices = pricesFromSheet({
    ...{ input: 0.1, output: 0.5, cacheRead: 0.01 },
    longPrompt: { aboveInputTokens: 100_000, input: 0.5, output: 2.5, cacheRead: 0.05 },
  });

  it('costs the base price up to the threshold, cached tokens counted', () => {
    const usage = { ...emptyUsage(), inputTokens: 60_000, cacheReadTokens: 40_000, outputTokens: 1000 };
    expect(costNanoUsd(usage, prices)).toBe(6_000_000 + 400_000 + 500_000);
  });

  it('costs the long price for every token of the call one token later', () => {
    const usage = { ...emptyUsage(), inputTokens: 60_000, cacheReadTokens: 40_001, outputTokens: 1000 };
    expect(costNanoUsd(usage, prices)).toBe(30_000_000 + 2_000_050 + 2_500_000);
  });
});
