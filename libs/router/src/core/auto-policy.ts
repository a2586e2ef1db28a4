import type { Catalog, PolicyOrder } from '@switchboard/contracts';

/** By what an `auto` name chooses, the weightiest first; undefined: it is no such name. */
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

/** Which model ids `policies.auto.models` lets `auto` choose; `*` matches any run of characters, slashes included. */
export function autoMayChoose(catalog: Catalog): (modelId: string) => boolean {
  const globs = catalog.auto.models.map((glob) => glob.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*'));
  const pattern = new RegExp(`^(?:${globs.join('|')})$`);
  return (modelId) => globs.length > 0 && pattern.test(modelId);
}
