import { picoUsdPerToken, type Prices, type TokenPrices } from '@switchboard/contracts';

/** Prices as people write them: USD per million tokens. Turned into integers on reading, never computed with. */
export interface UsdTokenPrices {
  input: number;
  output: number;
  cacheRead?: number | undefined;
  cacheWrite5m?: number | undefined;
  cacheWrite1h?: number | undefined;
  reasoning?: number | undefined;
}

export interface PriceSheet extends UsdTokenPrices {
  /** Applies to the whole call once its prompt is longer than `aboveInputTokens`. */
  longPrompt?: ({ aboveInputTokens: number } & UsdTokenPrices) | undefined;
  /** Of calls that a provider's batch API serves. */
  batch?: UsdTokenPrices | undefined;
}

/** A cached token without a price of its own costs what a plain input token costs, so nothing is billed below its price. */
function tokenPrices(usd: UsdTokenPrices): TokenPrices {
  return {
    input: picoUsdPerToken(usd.input),
    output: picoUsdPerToken(usd.output),
    cacheRead: picoUsdPerToken(usd.cacheRead ?? usd.input),
    cacheWrite5m: picoUsdPerToken(usd.cacheWrite5m ?? usd.input),
    cacheWrite1h: picoUsdPerToken(usd.cacheWrite1h ?? usd.cacheWrite5m ?? usd.input),
    ...(usd.reasoning !== undefined && { reasoning: picoUsdPerToken(usd.reasoning) }),
  };
}

export function pricesFromSheet(sheet: PriceSheet): Prices {
  const { longPrompt, batch } = sheet;
  return {
    ...tokenPrices(sheet),
    ...(longPrompt !== undefined && {
      longPrompt: { aboveInputTokens: longPrompt.aboveInputTokens, prices: tokenPrices(longPrompt) },
    }),
    ...(batch !== undefined && { batch: tokenPrices(batch) }),
  };
}
