import { type Model, type Prices, type TokenPrices, usdPerMillionTokens } from '@switchboard/contracts';
import { type Managed, type ManagedBy, managedView } from './tenant-view';

/** USD per million tokens. */
export interface TokenPricesView {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  reasoning?: number;
}

export interface PricesView extends TokenPricesView {
  longPrompt?: TokenPricesView & { aboveInputTokens: number };
  batch?: TokenPricesView;
}

export interface ModelView extends Omit<Model, 'pricing' | 'upstreams'> {
  pricing: PricesView;
  upstreams: { provider: string; model: string; weight: number; cost: PricesView }[];
  managedBy: ManagedBy;
  /** Of the entry; `createdAt` is the model's own. */
  updatedAt: string;
}

export function modelView(model: Model, managed: Managed): ModelView {
  const { managedBy, updatedAt } = managedView(managed);
  return { ...modelFields(model), managedBy, updatedAt };
}

/** What is declared of it, in the form of gateway.yaml. */
export function modelFields(model: Model) {
  return {
    ...model,
    pricing: pricesView(model.pricing),
    upstreams: model.upstreams.map((upstream) => ({ ...upstream, cost: pricesView(upstream.cost) })),
  };
}

function pricesView(prices: Prices): PricesView {
  const { longPrompt, batch } = prices;
  return {
    ...tokenPricesView(prices),
    ...(longPrompt !== undefined && {
      longPrompt: { aboveInputTokens: longPrompt.aboveInputTokens, ...tokenPricesView(longPrompt.prices) },
    }),
    ...(batch !== undefined && { batch: tokenPricesView(batch) }),
  };
}

function tokenPricesView(prices: TokenPrices): TokenPricesView {
  const { reasoning } = prices;
  return {
    input: usdPerMillionTokens(prices.input),
    output: usdPerMillionTokens(prices.output),
    cacheRead: usdPerMillionTokens(prices.cacheRead),
    cacheWrite5m: usdPerMillionTokens(prices.cacheWrite5m),
    cacheWrite1h: usdPerMillionTokens(prices.cacheWrite1h),
    ...(reasoning !== undefined && { reasoning: usdPerMillionTokens(reasoning) }),
  };
}
