import { priceAt, type Catalog, type Model, type PolicyOrder, type Provider } from '@switchboard/contracts';

/** By what a routing name chooses, the weightiest first; undefined: it is none (`auto`, `auto:cheapest`, `auto:fastest`). */
export function autoOrder(catalog: Catalog, name: string): readonly PolicyOrder[] | undefined {
  switch (name) {
    case 'auto':
      return catalog.auto.order;
    case 'auto:cheapest':
      return ['price', 'tier'];
    // Until latencies are measured, the tier says which upstreams are near.
    case 'auto:fastest':
      return ['tier', 'price'];
    default:
      return undefined;
  }
}

/** A model at a provider; without one nothing can reach it, and it comes last. */
export interface PolicyCandidate {
  model: Model;
  provider?: Provider;
}

/** Negative where `left` is to be tried first, at the prices of a time. */
export function compareByPolicy(
  { order, atMs }: { order: readonly PolicyOrder[]; atMs: number },
  left: PolicyCandidate,
  right: PolicyCandidate,
): number {
  for (const criterion of order) {
    const [a, b] = [rank(criterion, left, atMs), rank(criterion, right, atMs)];
    // Not a difference: infinities differ by NaN, which sorts as nothing does.
    if (a !== b) return a < b ? -1 : 1;
  }
  return 0;
}

function rank(criterion: PolicyOrder, { model, provider }: PolicyCandidate, atMs: number): number {
  switch (criterion) {
    case 'tier':
      return provider?.tier ?? Infinity;
    case 'price': {
      const { input, output } = priceAt(model, atMs).prices;
      return input + output;
    }
    // Every upstream counts as healthy until the router publishes health.
    case 'health':
      return 0;
  }
}
