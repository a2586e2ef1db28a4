import type { ModelFacts } from '../catalog/builtin/model-facts';
import type { DeclaredPricing } from '../catalog/declared-model';
import { pricesFromSheet, type PriceSheet } from '../catalog/price-sheet';
import { asList, asRecord, asText, type Entry, type Reading } from './entries';
import type { ConfigPath, Faults } from './faults';
import type { ModelEntry } from './model-schema';

export interface ReadPricing {
  declared: DeclaredPricing;
  /** Of now. */
  current: PriceSheet;
}

/** What a model costs: a price, or a list of one that holds now and those that follow; else the built-in model's. */
export function readPricing(
  { value, raw, path }: Entry<ModelEntry>,
  facts: ModelFacts | undefined,
  { faults }: Reading,
): ReadPricing | undefined {
  const nowMs = Date.now();
  checkOrder(asList(raw.pricing), [...path, 'pricing'], nowMs, faults);
  const pricing = value?.pricing ?? facts?.pricing;
  if (pricing === undefined) return undefined;
  if (!Array.isArray(pricing)) return { declared: [{ prices: pricesFromSheet(pricing) }], current: pricing };
  const [first, ...later] = pricing.map(({ from, ...sheet }) => {
    return { ...(from !== undefined && { fromMs: Date.parse(from) }), prices: pricesFromSheet(sheet) };
  });
  const { from: _, ...current } = pricing.findLast(({ from }) => from === undefined || Date.parse(from) <= nowMs) ?? {};
  if (first === undefined || !('input' in current)) return undefined;
  return { declared: [first, ...later], current };
}

/** Of what was written, whatever else is wrong with it. */
function checkOrder(pricing: readonly unknown[], path: ConfigPath, nowMs: number, faults: Faults): void {
  let previousMs = -Infinity;
  for (const [index, price] of pricing.entries()) {
    const at = [...path, index, 'from'];
    const { from } = asRecord(price);
    if (from === undefined && index > 0) faults.add(at, 'required: only the first price may leave it out');
    const fromMs = Date.parse(asText(from) ?? '');
    if (Number.isNaN(fromMs)) continue;
    if (index === 0 && fromMs > nowMs) faults.add(at, 'must have passed: the first price is the one that holds now');
    else if (fromMs <= previousMs) faults.add(at, 'must be later than the one before');
    previousMs = fromMs;
  }
}
