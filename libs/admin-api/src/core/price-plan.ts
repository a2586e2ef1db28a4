import type { PriceSchedule, PriceVersion, Prices } from '@switchboard/contracts';
import { declaredAt, type DeclaredPricing } from '@switchboard/platform';
import type { Fault } from './admin-error';
import { canonicalJson } from './json';

/** What is known of a model's prices. */
export interface KnownPrices {
  /** Absent: there is no such model. */
  pricing: PriceSchedule | undefined;
  /** How many it ever had, those of a model of its name that is gone among them. */
  versions: number;
}

export interface PricePlan {
  pricing: PriceSchedule;
  /** Those of it that are new. */
  added: readonly PriceVersion[];
}

/**
 * The schedule that says what was declared: past versions stay as they are, other prices than those in effect hold from
 * now on, and of the versions to come those stay that were declared again. A version that is there is never changed.
 */
export function planPrices(declared: DeclaredPricing, { pricing, versions }: KnownPrices, nowMs: number): PricePlan {
  const added: PriceVersion[] = [];
  const add = (effectiveFromMs: number, prices: Prices): PriceVersion => {
    const version = { version: `v${versions + added.length + 1}`, effectiveFromMs, prices };
    added.push(version);
    return version;
  };
  const past = pastOf(pricing, nowMs);
  const current = past.at(-1);
  const { prices } = declaredAt(declared, nowMs);
  // A clock that was set back does not make an order that never was.
  if (!same(current?.prices, prices)) past.push(add(Math.max(nowMs, current?.effectiveFromMs ?? 0), prices));
  const coming = declared.flatMap(({ fromMs, prices: later }) => {
    if (fromMs === undefined || fromMs <= nowMs) return [];
    return [find(pricing, fromMs, later) ?? add(fromMs, later)];
  });
  const [first = add(nowMs, prices), ...others] = [...past, ...coming];
  return { pricing: [first, ...others], added };
}

/** Prices are announced: what was to take effect before now and never did is refused. */
export function pastFaults(declared: DeclaredPricing, pricing: PriceSchedule | undefined, nowMs: number): Fault[] {
  return declared.flatMap(({ fromMs, prices }, index) => {
    if (fromMs === undefined || fromMs > nowMs || find(pricing, fromMs, prices) !== undefined) return [];
    return [{ path: `pricing[${index}].from`, message: 'has passed: a price takes effect now or later' }];
  });
}

/** What an operator should know: when a price that the file says was in effect really began. */
export function lateNotes(id: string, declared: DeclaredPricing, known: KnownPrices, plan: PricePlan, nowMs: number) {
  const { fromMs } = declaredAt(declared, nowMs);
  const began = plan.added.find(({ effectiveFromMs }) => effectiveFromMs <= nowMs);
  if (known.pricing === undefined || fromMs === undefined || began === undefined) return [];
  const from = new Date(fromMs).toISOString();
  return [`a price of model ${id} was to hold from ${from}, which has passed: it holds from now on`];
}

function pastOf(pricing: PriceSchedule | undefined, nowMs: number): PriceVersion[] {
  return pricing?.filter(({ effectiveFromMs }, index) => index === 0 || effectiveFromMs <= nowMs) ?? [];
}

function find(pricing: PriceSchedule | undefined, fromMs: number, prices: Prices): PriceVersion | undefined {
  return pricing?.find((version) => version.effectiveFromMs === fromMs && same(version.prices, prices));
}

function same(left: Prices | undefined, right: Prices): boolean {
  return canonicalJson(left) === canonicalJson(right);
}
