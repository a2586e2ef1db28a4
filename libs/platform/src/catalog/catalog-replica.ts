import {
  BUCKETS,
  type Bucket,
  type BucketEntry,
  type Bus,
  type Catalog,
  type CatalogSettingsV1,
  type CatalogSource,
  DEFAULT_ROUTING,
  type HealthCheck,
  SETTINGS_KEY,
  type Subscription,
} from '@switchboard/contracts';
import type { Logger } from '../logging/logger';
import type { Sealer } from '../secrets/sealer';
import { CatalogEntries } from './catalog-replica-entries';

/** A publication is a burst of entries; one catalog is built for all that came within this. */
const REBUILD_EVERY_MS = 20;
const LISTING_RETRY_MS = 1_000;

const EMPTY: Catalog = {
  ...{ providers: new Map(), models: new Map(), auto: { order: [], models: [] } },
  routing: DEFAULT_ROUTING,
};

export interface CatalogReplicaOptions {
  bus: Bus;
  /** Opens credentials; without it providers come without any. */
  sealer?: Pick<Sealer, 'open'>;
  log: Logger;
}

/**
 * The catalog as published in its bucket, followed as it changes. `settings` in the bucket says that the publication is
 * whole, so whoever publishes puts it last: while it is missing (the bucket was wiped and is not rebuilt yet) the last
 * catalog stays as it is.
 */
export interface CatalogReplica extends CatalogSource {
  /** Empty before `ready`. The value is immutable; a change is a new one. */
  current(): Catalog;
  /** Resolves once a whole catalog was read; waits for it as long as it takes. */
  readonly ready: Promise<void>;
  readonly isReady: boolean;
  /** @throws Error before `ready`. */
  settings(): CatalogSettingsV1;
  /** Calls at each new catalog or new settings, the first included if it is still to come. */
  onChange(listener: (catalog: Catalog) => void): Subscription;
  stop(): Promise<void>;
}

export function createCatalogReplica(options: CatalogReplicaOptions): CatalogReplica {
  return new BucketCatalogReplica(options);
}

/** Whether a whole catalog was read at least once; an outage later leaves the last one in use. */
export function catalogHealth(replica: Pick<CatalogReplica, 'isReady'>): HealthCheck {
  return {
    name: 'catalog',
    required: true,
    check: () =>
      replica.isReady ? Promise.resolve() : Promise.reject(new Error('no whole catalog has been published yet')),
  };
}

class BucketCatalogReplica implements CatalogReplica {
  readonly ready: Promise<void>;
  private becomeReady!: () => void;
  private readonly bucket: Bucket;
  private readonly entries: CatalogEntries;
  private readonly watching: Subscription;
  private readonly listeners = new Set<(catalog: Catalog) => void>();
  private published: { catalog: Catalog; settings: CatalogSettingsV1 } | undefined;
  /** Whether the present entries were told at least once. */
  private told = false;
  /** Whether the bucket holds a whole publication, as of the last listing of its keys. */
  private whole = false;
  /** Whether `entries` changed since `published` was built. */
  private changed = false;
  private rebuildTimer: NodeJS.Timeout | undefined;
  private listing: Promise<void> | undefined;
  private listAgain = false;
  private listingFails = false;
  private retryTimer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly options: CatalogReplicaOptions) {
    this.ready = new Promise((resolve) => (this.becomeReady = resolve));
    this.bucket = options.bus.bucket(BUCKETS.catalog);
    this.entries = new CatalogEntries(options);
    this.watching = this.bucket.watch({
      onEntry: (entry) => this.onEntry(entry),
      onCurrent: () => {
        this.told = true;
        this.list();
      },
    });
  }

  get isReady(): boolean {
    return this.published !== undefined;
  }

  current(): Catalog {
    return this.published?.catalog ?? EMPTY;
  }

  settings(): CatalogSettingsV1 {
    if (this.published === undefined) throw new Error('the catalog has not been read yet');
    return this.published.settings;
  }

  onChange(listener: (catalog: Catalog) => void): Subscription {
    this.listeners.add(listener);
    return {
      stop: () => {
        this.listeners.delete(listener);
        return Promise.resolve();
      },
    };
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.rebuildTimer);
    clearTimeout(this.retryTimer);
    this.listeners.clear();
    await this.watching.stop();
    await this.listing;
  }

  private onEntry(entry: BucketEntry): void {
    if (this.entries.tell(entry)) this.changed = true;
    if (entry.key === SETTINGS_KEY) {
      if (entry.value === undefined) this.whole = false;
      // Published whole again, or while the keys were being listed: only a listing after it tells what is no more.
      else if (this.told && (!this.whole || this.listing !== undefined)) this.list();
    }
    this.publishSoon();
  }

  /** What vanished while the bus was away is told by nobody: it is what the bucket's keys no longer include. */
  private list(): void {
    this.listAgain = true;
    if (this.stopped || this.listing !== undefined) return;
    clearTimeout(this.retryTimer);
    this.listing = this.listUntilCurrent();
  }

  private async listUntilCurrent(): Promise<void> {
    while (this.listAgain && !this.stopped) {
      this.listAgain = false;
      if (!(await this.listKeys())) break;
    }
    this.listing = undefined;
  }

  private async listKeys(): Promise<boolean> {
    const asOf = this.entries.now;
    try {
      const present = new Set(await this.bucket.keys());
      this.whole = present.has(SETTINGS_KEY);
      if (this.whole && this.entries.keepOnly(present, asOf)) this.changed = true;
      this.listingFails = false;
      this.publishSoon();
      return true;
    } catch (error) {
      if (!this.listingFails)
        this.options.log.warn({ err: error }, 'the catalog bucket cannot be listed, trying again');
      this.listingFails = true;
      this.retryTimer = setTimeout(() => this.list(), LISTING_RETRY_MS);
      return false;
    }
  }

  private publishSoon(): void {
    if (!this.whole || !this.changed || this.stopped) return;
    this.rebuildTimer ??= setTimeout(() => {
      this.rebuildTimer = undefined;
      this.publish();
    }, REBUILD_EVERY_MS);
  }

  private publish(): void {
    // Unreadable settings leave the last ones in force.
    const settings = this.entries.settings ?? this.published?.settings;
    if (!this.whole || settings === undefined) return;
    this.changed = false;
    const catalog = this.entries.catalog(settings);
    this.published = { catalog, settings };
    this.becomeReady();
    for (const listener of this.listeners) {
      try {
        listener(catalog);
      } catch (error) {
        this.options.log.error({ err: error }, 'a listener to changes of the catalog failed');
      }
    }
  }
}
