import { pricesFor, type NanoUsd, type Prices } from '@switchboard/contracts';

/** What a call is likely to come to. */
export interface LikelyCall {
  inputTokens: number;
  outputTokens: number;
  /** Share of the input that is read from the cache, 0 to 1. */
  cacheHitRate: number;
}

/** A guess in nano-USD, for comparing: nothing is billed by it. */
export function expectedCost(prices: Prices, { inputTokens, outputTokens, cacheHitRate }: LikelyCall): NanoUsd {
  const { input, cacheRead, output } = pricesFor(inputTokens, prices);
  const perInputToken = cacheHitRate * cacheRead + (1 - cacheHitRate) * input;
  return (inputTokens * perInputToken + outputTokens * output) / 1000;
}
