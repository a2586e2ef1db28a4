import type { Catalog, Model, ModelUpstream, RoutingSnapshotV1 } from '@switchboard/contracts';

/**
 * A snapshot made this soon after an upstream was first seen here may be of a catalog without it: the router sees a change
 * at another moment, by another clock.
 */
export const SNAPSHOT_LAG_MS = 5_000;

/** When an upstream of a model was first seen in the catalog, milliseconds since the epoch. */
export type FirstSeen = (model: Model, upstream: ModelUpstream) => number;

/**
 * The catalog with each model's upstreams in the snapshot's order, and without those the snapshot leaves out. An upstream
 * newer than the snapshot comes last: that it is left out only says that the router has not seen it yet. What the catalog
 * no longer has is not brought back. A snapshot that ranks nothing but upstreams that are not here is of another catalog,
 * which reaches this process a moment later: until then the model is served as it stands here.
 */
export function routeCatalog(
  catalog: Catalog,
  snapshot: RoutingSnapshotV1 | undefined,
  firstSeenMs: FirstSeen,
): Catalog {
  if (snapshot === undefined) return catalog;
  const models = new Map<string, Model>();
  for (const [id, model] of catalog.models) models.set(id, routeModel(model, snapshot, firstSeenMs));
  return { ...catalog, models };
}

function routeModel(model: Model, snapshot: RoutingSnapshotV1, firstSeenMs: FirstSeen): Model {
  if (!Object.hasOwn(snapshot.models, model.id)) return model;
  const places = new Map(snapshot.models[model.id]?.map((ranked, place) => [upstreamName(ranked), place]));
  const isOfAnother = places.size > 0 && !model.upstreams.some((upstream) => places.has(upstreamName(upstream)));
  if (isOfAnother) return model;
  const ranked: { place: number; upstream: ModelUpstream }[] = [];
  for (const upstream of model.upstreams) {
    const place = places.get(upstreamName(upstream));
    if (place !== undefined) ranked.push({ place, upstream });
    else if (snapshot.createdAtMs < firstSeenMs(model, upstream) + SNAPSHOT_LAG_MS) {
      ranked.push({ place: Infinity, upstream });
    }
  }
  // Of equal places the catalog's order stays.
  ranked.sort((left, right) => (left.place === right.place ? 0 : left.place - right.place));
  return { ...model, upstreams: ranked.map(({ upstream }) => upstream) };
}

/** What tells a model's upstreams apart. */
export function upstreamName({ provider, model }: { provider: string; model: string }): string {
  return `${provider}\n${model}`;
}
