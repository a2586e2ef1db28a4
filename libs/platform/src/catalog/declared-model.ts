import type { Model, Prices } from '@switchboard/contracts';

/** Prices as somebody writes them down, before they get a version. */
export interface DeclaredPrice {
  /** Absent: they hold as soon as they are written down. */
  fromMs?: number;
  prices: Prices;
}

/** What holds now, then the changes to come in their order; those of them that have passed are as they are. */
export type DeclaredPricing = readonly [DeclaredPrice, ...DeclaredPrice[]];

/** A model as gateway.yaml, or whoever calls the admin API, says it. */
export interface DeclaredModel extends Omit<Model, 'pricing'> {
  pricing: DeclaredPricing;
}

/** The one that holds at a time. */
export function declaredAt(pricing: DeclaredPricing, atMs: number): DeclaredPrice {
  return pricing.findLast(({ fromMs = -Infinity }) => fromMs <= atMs) ?? pricing[0];
}

/** With versions of its own, for a catalog that nobody kept before. */
export function firstVersions({ pricing, ...model }: DeclaredModel): Model {
  const [first, ...later] = pricing.map(({ fromMs = 0, prices }, index) => {
    return { version: `v${index + 1}`, effectiveFromMs: fromMs, prices };
  });
  if (first === undefined) throw new Error(`${model.id} has no price`);
  return { ...model, pricing: [first, ...later] };
}
