import type { Prices } from './money';

/** What a model's tokens cost from a time on. Once published it never changes: other prices are another version. */
export interface PriceVersion {
  /** Of this model, never given to other prices: `v1`, `v2`. */
  version: string;
  effectiveFromMs: number;
  prices: Prices;
}

/** In the order in which they take effect. The first also holds for whatever began before it. */
export type PriceSchedule = readonly [PriceVersion, ...PriceVersion[]];

/** The version in effect at a time. A call is priced, from its reservation to its record, by the one when it began. */
export function priceAt({ pricing }: { pricing: PriceSchedule }, atMs: number): PriceVersion {
  // Nearly always there is one, and nothing to look for.
  for (let index = pricing.length - 1; index > 0; index--) {
    const version = pricing[index];
    if (version !== undefined && version.effectiveFromMs <= atMs) return version;
  }
  return pricing[0];
}

/** A call's clock may be behind by no more than this, and it may have waited so long for its turn. */
const STILL_NEEDED_MS = 86_400_000;

/** What edges need of a schedule: the version in effect, those to come, and those that were in effect a day ago. */
export function recentPrices(pricing: PriceSchedule, nowMs: number): PriceSchedule {
  const first = pricing.indexOf(priceAt({ pricing }, nowMs - STILL_NEEDED_MS));
  const [oldest = pricing[0], ...later] = pricing.slice(first);
  return [oldest, ...later];
}
