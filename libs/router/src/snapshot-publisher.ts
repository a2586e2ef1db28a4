import {
  BUCKETS,
  type Bucket,
  type Bus,
  type Catalog,
  decodeJson,
  encodeJson,
  type RoutingSnapshotV1,
  SNAPSHOT_KEY,
  type Subscription,
} from '@switchboard/contracts';
import type { CatalogReplica, Logger } from '@switchboard/platform';
import { rankUpstreams, sameRouting } from './core/ranking';
import type { RouterMetrics } from './router-metrics';

/** So often the snapshot is written although nothing changed: its age tells whether a router is at work. */
const REFRESH_EVERY_MS = 30_000;
const RETRY_AFTER_MS = 1_000;

export interface SnapshotPublisherOptions {
  bus: Bus;
  replica: CatalogReplica;
  log: Logger;
  metrics: RouterMetrics;
  refreshEveryMs?: number;
}

/**
 * Keeps the routing snapshot in its bucket equal to the ranking of the catalog. Several routers may do so at once: they
 * read the same catalog, and whoever finds the snapshot as it should be leaves it alone.
 */
export class SnapshotPublisher {
  private readonly bucket: Bucket;
  private readonly subscriptions: Subscription[];
  private readonly refreshTimer: NodeJS.Timeout;
  private retryTimer: NodeJS.Timeout | undefined;
  private publishing: Promise<void> | undefined;
  /** What has to happen after the publication under way; a refresh writes whatever is there. */
  private next: 'compare' | 'refresh' | undefined;
  private last: RoutingSnapshotV1 | undefined;
  private failing = false;
  private stopped = false;

  constructor(private readonly options: SnapshotPublisherOptions) {
    const { bus, replica, refreshEveryMs = REFRESH_EVERY_MS } = options;
    this.bucket = bus.bucket(BUCKETS.routing);
    this.subscriptions = [
      replica.onChange(() => this.publish('compare')),
      bus.onConnected(() => this.publish('compare')),
    ];
    this.refreshTimer = setInterval(() => this.publish('refresh'), refreshEveryMs);
    this.publish('compare');
  }

  /** The snapshot as it was last seen in the bucket or put there. */
  get published(): RoutingSnapshotV1 | undefined {
    return this.last;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.refreshTimer);
    clearTimeout(this.retryTimer);
    await Promise.all(this.subscriptions.map((subscription) => subscription.stop()));
    await this.publishing;
  }

  private publish(how: 'compare' | 'refresh'): void {
    if (this.stopped || !this.options.replica.isReady) return;
    if (this.next !== 'refresh') this.next = how;
    this.publishing ??= this.publishUntilCurrent();
  }

  private async publishUntilCurrent(): Promise<void> {
    for (let how = this.next; how !== undefined && !this.stopped; how = this.next) {
      this.next = undefined;
      if (!(await this.attempt(this.options.replica.current(), how))) break;
    }
    this.publishing = undefined;
  }

  private async attempt(catalog: Catalog, how: 'compare' | 'refresh'): Promise<boolean> {
    const { log, metrics } = this.options;
    try {
      this.last = await this.write(rankUpstreams(catalog, Date.now()), how);
      if (this.failing) log.info('the routing snapshot is published again');
      this.failing = false;
      return true;
    } catch (error) {
      metrics.publishes.inc({ result: 'failed' });
      if (!this.failing) log.warn({ err: error }, 'the routing snapshot cannot be published, trying again');
      this.failing = true;
      clearTimeout(this.retryTimer);
      this.retryTimer = setTimeout(() => this.publish(how), RETRY_AFTER_MS);
      return false;
    }
  }

  /** @returns what is in the bucket now. */
  private async write(snapshot: RoutingSnapshotV1, how: 'compare' | 'refresh'): Promise<RoutingSnapshotV1> {
    const { publishes } = this.options.metrics;
    const present = how === 'compare' ? await this.readPresent() : undefined;
    if (present !== undefined && sameRouting(present, snapshot)) {
      publishes.inc({ result: 'unchanged' });
      return present;
    }
    await this.bucket.put(SNAPSHOT_KEY, encodeJson(snapshot));
    publishes.inc({ result: 'published' });
    return snapshot;
  }

  private async readPresent(): Promise<RoutingSnapshotV1 | undefined> {
    const value = (await this.bucket.get(SNAPSHOT_KEY))?.value;
    if (value === undefined) return undefined;
    try {
      return decodeJson<RoutingSnapshotV1>(value);
    } catch (error) {
      this.options.log.error({ err: error }, 'the routing snapshot in the bucket cannot be read and is replaced');
      return undefined;
    }
  }
}
