import {
  BUCKETS,
  decodeJson,
  SNAPSHOT_KEY,
  type BucketEntry,
  type Bus,
  type Catalog,
  type CatalogSource,
  type Model,
  type ModelUpstream,
  type RoutingSnapshotV1,
  type Subscription,
} from '@switchboard/contracts';
import type { CatalogReplica, Logger } from '@switchboard/platform';
import { routeCatalog, upstreamName } from '../core/route-catalog';

export interface RoutedCatalogOptions {
  bus: Bus;
  /** As admin-api published it. */
  published: Pick<CatalogReplica, 'current' | 'onChange'>;
  log: Logger;
}

/**
 * The catalog as the router ranks it: worked out at each change of either, so that a request reads a field. Without a
 * router the last snapshot stays, and what is new in the catalog works all the same.
 */
export class RoutedCatalog implements CatalogSource {
  private routed: Catalog;
  private snapshot: RoutingSnapshotV1 | undefined;
  /** By model and upstream, of those in the catalog now. */
  private firstSeenMs = new Map<string, number>();
  private readonly subscriptions: readonly Subscription[];

  constructor(private readonly options: RoutedCatalogOptions) {
    const { bus, published } = options;
    this.routed = this.routeAnew(published.current());
    this.subscriptions = [
      published.onChange((catalog) => (this.routed = this.routeAnew(catalog))),
      bus.bucket(BUCKETS.routing).watch({ onEntry: (entry) => this.onEntry(entry) }),
    ];
  }

  current(): Catalog {
    return this.routed;
  }

  async stop(): Promise<void> {
    await Promise.all(this.subscriptions.map((subscription) => subscription.stop()));
  }

  private routeAnew(catalog: Catalog): Catalog {
    const nowMs = Date.now();
    const before = this.firstSeenMs;
    this.firstSeenMs = new Map();
    for (const model of catalog.models.values()) {
      for (const upstream of model.upstreams) {
        // Before its provider is there, the router has nothing to rank either.
        if (!catalog.providers.has(upstream.provider)) continue;
        const name = seenName(model, upstream);
        this.firstSeenMs.set(name, before.get(name) ?? nowMs);
      }
    }
    return this.route(catalog, this.snapshot);
  }

  private route(catalog: Catalog, snapshot: RoutingSnapshotV1 | undefined): Catalog {
    return routeCatalog(catalog, snapshot, (model, upstream) => this.firstSeenMs.get(seenName(model, upstream)) ?? 0);
  }

  private onEntry({ key, value }: BucketEntry): void {
    if (key !== SNAPSHOT_KEY) return;
    try {
      const snapshot = value && decodeJson<RoutingSnapshotV1>(value);
      this.routed = this.route(this.options.published.current(), snapshot);
      this.snapshot = snapshot;
    } catch (error) {
      this.options.log.error({ err: error }, 'the routing snapshot cannot be read; the last one stays');
    }
  }
}

function seenName(model: Model, upstream: ModelUpstream): string {
  return `${model.id}\n${upstreamName(upstream)}`;
}
