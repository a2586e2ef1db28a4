import type { Catalog, PolicyOrder } from '@switchboard/contracts';

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
