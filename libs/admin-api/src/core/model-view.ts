import {
  type Model,
  priceAt,
  type PriceSchedule,
  type Prices,
  type PriceVersion,
  type TokenPrices,
  usdPerMillionTokens,
} from '@switchboard/contracts';
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

export interface PriceVersionView {
  version: string;
  effectiveFrom: string;
  prices: PricesView;
}

export interface ModelView extends Omit<Model, 'pricing' | 'upstreams'> {
  /** In effect now. */
  pricing: PricesView;
  /** The one in effect, and those to come. */
  priceVersions: PriceVersionView[];
  upstreams: { provider: string; model: string; weight: number; cost: PricesView }[];
  managedBy: ManagedBy;
  /** Of the entry; `createdAt` is the model's own. */
  updatedAt: string;
}

export function modelView(model: Model, managed: Managed, nowMs: number): ModelView {
  const { managedBy, updatedAt } = managedView(managed);
  return { ...pricedFields(model, nowMs), managedBy, updatedAt };
}

/** What is declared of it, in the form of gateway.yaml, with the price that holds now. */
export function modelFields(model: Model, nowMs: number) {
  return {
    ...model,
    pricing: pricesView(priceAt(model, nowMs).prices),
    upstreams: model.upstreams.map((upstream) => ({ ...upstream, cost: pricesView(upstream.cost) })),
  };
}

/** The same with the versions that its prices are. */
export function pricedFields(model: Model, nowMs: number) {
  const current = priceAt(model, nowMs);
  const priceVersions = [current, ...scheduled(model.pricing, nowMs)].map(priceVersionView);
  return { ...modelFields(model, nowMs), priceVersions };
}

/** The changes to come, as gateway.yaml would say them. */
export function scheduledFields({ pricing }: Model, nowMs: number): (PricesView & { from: string })[] {
  return scheduled(pricing, nowMs).map(({ effectiveFromMs, prices }) => {
    return { from: new Date(effectiveFromMs).toISOString(), ...pricesView(prices) };
  });
}

function scheduled(pricing: PriceSchedule, nowMs: number): PriceVersion[] {
  return pricing.filter(({ effectiveFromMs }, index) => index > 0 && effectiveFromMs > nowMs);
}

export function priceVersionView({ version, effectiveFromMs, prices }: PriceVersion): PriceVersionView {
  return { version, effectiveFrom: new Date(effectiveFromMs).toISOString(), prices: pricesView(prices) };
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
