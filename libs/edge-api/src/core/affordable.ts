import { costNanoUsd, type NanoUsd, type Prices, pricesFor, type TokenPrices } from '@switchboard/contracts';
import { totalInputTokens, type Usage } from '@switchboard/protocol';

type Amount = Exclude<keyof Usage, 'outputTokens' | 'reasoningTokens'>;

/** Of the input the dearest first. */
const INPUT_LEFT_OUT: readonly (readonly [Amount, keyof TokenPrices])[] = [
  ['cacheWrite1hTokens', 'cacheWrite1h'],
  ['cacheWrite5mTokens', 'cacheWrite5m'],
  ['inputTokens', 'input'],
  ['cacheReadTokens', 'cacheRead'],
];

/**
 * As much of a usage as so much money pays for: bill, headers and limits all go by the usage, so that what is not paid for
 * must not be in it. The rest is ours. The output is left out first, which is what a reply ended too late for.
 */
export function affordable(usage: Usage, prices: Prices, nanoUsd: NanoUsd): Usage {
  if (costNanoUsd(usage, prices) <= nanoUsd) return usage;
  const applied = pricesFor(totalInputTokens(usage), prices);
  const paid = { ...usage, reasoningTokens: Math.min(usage.reasoningTokens, usage.outputTokens) };
  /** How many of so many tokens remain. */
  const kept = (tokens: number, price: number): number => {
    const over = costNanoUsd(paid, applied) - nanoUsd;
    return over <= 0 || price <= 0 ? tokens : Math.max(0, tokens - Math.ceil((over * 1000) / price));
  };
  paid.outputTokens = paid.reasoningTokens + kept(paid.outputTokens - paid.reasoningTokens, applied.output);
  const reasoningTokens = kept(paid.reasoningTokens, applied.reasoning ?? applied.output);
  paid.outputTokens -= paid.reasoningTokens - reasoningTokens;
  paid.reasoningTokens = reasoningTokens;
  for (const [kind, price] of INPUT_LEFT_OUT) paid[kind] = kept(paid[kind], applied[price] ?? 0);
  // With fewer tokens the prompt may be a short one, at other prices.
  return costNanoUsd(paid, prices) <= nanoUsd ? paid : affordable(paid, prices, nanoUsd);
}
