import type { Catalog, Model, RoutingSnapshotV1 } from '@switchboard/contracts';

/** Every model's upstreams in the catalog's own order, but for those whose provider the catalog does not have. */
export function rankUpstreams(catalog: Catalog, createdAtMs: number): RoutingSnapshotV1 {
  const models = [...catalog.models.values()].map((model) => [model.id, rankOf(catalog, model)] as const);
  return { createdAtMs, models: Object.fromEntries(models) };
}

function rankOf(catalog: Catalog, model: Model): RoutingSnapshotV1['models'][string] {
  return model.upstreams
    .filter((upstream) => catalog.providers.has(upstream.provider))
    .map((upstream) => ({ provider: upstream.provider, model: upstream.model }));
}

/** Whether both route alike, whenever they were made. */
export function sameRouting(left: RoutingSnapshotV1, right: RoutingSnapshotV1): boolean {
  const ids = Object.keys(left.models);
  return (
    ids.length === Object.keys(right.models).length &&
    ids.every((id) => Object.hasOwn(right.models, id) && sameOrder(left.models[id] ?? [], right.models[id] ?? []))
  );
}

function sameOrder(left: RoutingSnapshotV1['models'][string], right: RoutingSnapshotV1['models'][string]): boolean {
  return (
    left.length === right.length &&
    left.every(({ provider, model }, index) => right[index]?.provider === provider && right[index].model === model)
  );
}
