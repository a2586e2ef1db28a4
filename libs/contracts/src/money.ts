import type { Usage } from '@switchboard/protocol';

/** Integer nano-USD (1e-9 USD). Up to 9 million USD fit a JavaScript number exactly. */
export type NanoUsd = number;

/**
 * Integer pico-USD (1e-12 USD) per token; 3 USD per million tokens is 3,000,000. The unit keeps every published price
 * whole (0.0375 USD per million is 37,500) and a million tokens at 75 USD per million still exact.
 */
export type PicoUsdPerToken = number;

export interface TokenPrices {
  input: PicoUsdPerToken;
  output: PicoUsdPerToken;
  cacheRead: PicoUsdPerToken;
  cacheWrite5m: PicoUsdPerToken;
  cacheWrite1h: PicoUsdPerToken;
  /** Of those output tokens that are reasoning; absent: as all output. */
  reasoning?: PicoUsdPerToken;
}

export interface Prices extends TokenPrices {
  /**
   * What the whole call costs, output included, once its prompt (cached tokens included) is longer than this; several
   * providers bill so. Absent: one price at any length.
   */
  longPrompt?: { aboveInputTokens: number; prices: TokenPrices };
  /** Of a call that the provider's batch API served, at any length. No call is served so yet: it is published, not charged. */
  batch?: TokenPrices;
}

/** The prices that apply to a call with this many input tokens, cached ones included. */
export function pricesFor(inputTokens: number, prices: Prices): TokenPrices {
  const { longPrompt } = prices;
  return longPrompt !== undefined && inputTokens > longPrompt.aboveInputTokens ? longPrompt.prices : prices;
}

/** Cost of a call, rounded half up to the nano-USD once, over the whole call. */
export function costNanoUsd(usage: Usage, prices: Prices): NanoUsd {
  const inputTokens = usage.inputTokens + usage.cacheReadTokens + usage.cacheWrite5mTokens + usage.cacheWrite1hTokens;
  const applied = pricesFor(inputTokens, prices);
  const picoUsd =
    usage.inputTokens * applied.input +
    usage.cacheReadTokens * applied.cacheRead +
    usage.cacheWrite5mTokens * applied.cacheWrite5m +
    usage.cacheWrite1hTokens * applied.cacheWrite1h +
    usage.outputTokens * applied.output;
  if (applied.reasoning === undefined) return Math.round(picoUsd / 1000);
  // No more of the output can be reasoning than there is, whatever an upstream says.
  const reasoningTokens = Math.min(usage.reasoningTokens, usage.outputTokens);
  return Math.round((picoUsd + reasoningTokens * (applied.reasoning - applied.output)) / 1000);
}

/** The same prices for an output of which nobody knows how much is reasoning: all of it at the dearer price. */
export function withDearestOutput(prices: Prices): Prices {
  const { longPrompt } = prices;
  if (prices.reasoning === undefined && longPrompt?.prices.reasoning === undefined) return prices;
  return {
    ...dearestOutput(prices),
    ...(longPrompt !== undefined && { longPrompt: { ...longPrompt, prices: dearestOutput(longPrompt.prices) } }),
  };
}

function dearestOutput<P extends TokenPrices>({
  reasoning,
  ...prices
}: P): Omit<P, 'reasoning'> & { output: PicoUsdPerToken } {
  return { ...prices, output: Math.max(prices.output, reasoning ?? 0) };
}

export function picoUsdPerToken(usdPerMillionTokens: number): PicoUsdPerToken {
  return Math.round(usdPerMillionTokens * 1_000_000);
}

export function usdPerMillionTokens(price: PicoUsdPerToken): number {
  return price / 1_000_000;
}

export function usdFromNano(nanoUsd: NanoUsd): number {
  return nanoUsd / 1_000_000_000;
}

/** Nano-USD as USD with its nine decimals, exact: `0.000123000`. */
export function decimalUsd(nanoUsd: bigint): string {
  const digits = (nanoUsd < 0n ? -nanoUsd : nanoUsd).toString().padStart(10, '0');
  return `${nanoUsd < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}
