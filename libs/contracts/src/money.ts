import type { Usage } from '@switchboard/protocol';

/** Integer nano-USD (1e-9 USD). Up to 9 million USD fit a JavaScript number exactly. */
export type NanoUsd = number;

/**
 * Integer pico-USD (1e-12 USD) per token; 3 USD per million tokens is 3,000,000. The unit keeps every published price
 * whole (0.0375 USD per million is 37,500) and a million tokens at 75 USD per million still exact.
 */
export type PicoUsdPerToken = number;

export interface Prices {
  input: PicoUsdPerToken;
  output: PicoUsdPerToken;
  cacheRead: PicoUsdPerToken;
  cacheWrite5m: PicoUsdPerToken;
  cacheWrite1h: PicoUsdPerToken;
}

/** Cost of a call, rounded half up to the nano-USD once, over the whole call. */
export function costNanoUsd(usage: Usage, prices: Prices): NanoUsd {
  const picoUsd =
    usage.inputTokens * prices.input +
    usage.cacheReadTokens * prices.cacheRead +
    usage.cacheWrite5mTokens * prices.cacheWrite5m +
    usage.cacheWrite1hTokens * prices.cacheWrite1h +
    usage.outputTokens * prices.output;
  return Math.round(picoUsd / 1000);
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
