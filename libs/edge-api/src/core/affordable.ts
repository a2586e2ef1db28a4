import { costNanoUsd, type NanoUsd, type Prices, pricesFor, type TokenPrices } from '@switchboard/contracts';
import { totalInputTokens, type Usage } from '@switchboard/protocol';

/** What is left out first: the output, which is what a reply ended too late for, then the dearest input. */
const LEFT_OUT: readonly (readonly [keyof Usage, keyof TokenPrices])[] = [
  ['outputTokens', 'output'],
  ['cacheWrite1hTokens', 'cacheWrite1h'],
  ['cacheWrite5mTokens', 'cacheWrite5m'],
  ['inputTokens', 'input'],
  ['cacheReadTokens', 'cacheRead'],
];

/**
 * As much of a usage as so much money pays for: bill, headers and limits all go by the usage, so that what is not paid for
 * must not be in it. The rest is ours.
 */
export function affordable(usage: Usage, prices: Prices, nanoUsd: NanoUsd): Usage {
  if (costNanoUsd(usage, prices) <= nanoUsd) return usage;
  const applied = pricesFor(totalInputTokens(usage), prices);
  const paid = { ...usage };
  for (const [kind, price] of LEFT_OUT) {
    const over = costNanoUsd(paid, applied) - nanoUsd;
    if (over <= 0) break;
    if (applied[price] > 0) paid[kind] = Math.max(0, paid[kind] - Math.ceil((over * 1000) / applied[price]));
  }
  paid.reasoningTokens = Math.min(paid.reasoningTokens, paid.outputTokens);
  // With fewer tokens the prompt may be a short one, at other prices.
  return costNanoUsd(paid, prices) <= nanoUsd ? paid : affordable(paid, prices, nanoUsd);
}
