import type {
  Bus,
  CallLog,
  HealthCheck,
  Limiter,
  ResponseStore,
  Subscription,
  UsageSink,
} from '@switchboard/contracts';
import {
  busHealth,
  catalogHealth,
  createCatalogReplica,
  type CatalogReplica,
  type KeyHasher,
  type Logger,
  type Metrics,
  type Sealer,
} from '@switchboard/platform';
import { BucketKeyDirectory } from './adapters/key-directory';
import { OutcomeReporter } from './adapters/outcome-reporter';
import { RoutingReader } from './adapters/routing-reader';
import type { EdgeSettings } from './client';
import { UpstreamRegistry } from './core/upstream-registry';
import { createPublicServer } from './create-public-server';
import type { TraceOptions } from './inference/request-traces';
import { PublicPort } from './public-port';

export interface EdgeReplicaOptions {
  bus: Bus;
  /** What the bus is called in the health checks. Absent: `nats`. */
  busName?: string;
  usage: UsageSink;
  /** Absent: no call is logged, whatever its key asks for. */
  calls?: CallLog | undefined;
  /** Absent: no response is stored, and none can be gone on from. */
  responses?: ResponseStore | undefined;
  limiter: Limiter;
  /** Opens the providers' credentials. */
  sealer: Pick<Sealer, 'open'>;
  hasher: Pick<KeyHasher, 'candidates' | 'sameHash'>;
  /** The rest of the edge's settings is the catalog's. */
  settings: Omit<EdgeSettings, 'brand' | 'limiterUnavailable'>;
  port: number;
  host: string;
  log: Logger;
  metrics: Metrics;
  /** Absent: nothing is traced. */
  traces?: TraceOptions | undefined;
}

/**
 * One of several edges that know keys, catalog and ranking from the bus. Its public port opens with the first whole
 * catalog; from then on the bus may go away, and only keys that nobody asked for yet are missed.
 */
export class EdgeReplica {
  readonly health: HealthCheck[];
  private readonly published: CatalogReplica;
  private readonly upstreams = new UpstreamRegistry();
  private readonly routing: RoutingReader;
  private readonly outcomes: OutcomeReporter;
  private readonly keys: BucketKeyDirectory;
  private readonly port: PublicPort;
  private readonly catalogWatch: Subscription;
  /** Header names are spelled out once per process. */
  private brand: EdgeSettings['brand'] | undefined;
  private brandWarned = false;

  constructor(private readonly options: EdgeReplicaOptions) {
    const { bus, busName = 'nats', sealer, hasher, log, metrics, port, host } = options;
    const published = createCatalogReplica({ bus, sealer, log });
    this.published = published;
    this.routing = new RoutingReader({ bus, upstreams: this.upstreams, log });
    this.outcomes = new OutcomeReporter({ bus, upstreams: this.upstreams });
    this.keys = new BucketKeyDirectory({ bus, hasher, log, metrics });
    this.port = new PublicPort({ port, host, ready: published.ready, create: () => this.createServer() });
    this.catalogWatch = published.onChange((catalog) => {
      this.upstreams.keepOnly(catalog);
      this.checkBrand();
    });
    const connection = busHealth(bus, { required: true, name: busName });
    this.health = [
      {
        name: connection.name,
        // What is known by then is served without it.
        get required() {
          return !published.isReady;
        },
        check: () => connection.check(),
      },
      catalogHealth(published),
      this.port.health,
    ];
  }

  /** Resolves with the public port once it listens, however long that takes; undefined where it was closed before. */
  open(): Promise<number | undefined> {
    return this.port.open();
  }

  /** A close under way waits for open replies no longer: they end in their own dialect, and are billed. */
  cutShort(): void {
    this.port.cutShort();
  }

  /** Lets open replies finish. Usage and the bus are still needed until it resolves. */
  async close(): Promise<void> {
    await this.port.close();
    this.outcomes.stop();
    await Promise.all([this.catalogWatch, this.routing, this.keys, this.published].map((each) => each.stop()));
  }

  private createServer() {
    const { settings, log, metrics, traces, usage, calls, responses, limiter } = this.options;
    const { published, upstreams, keys } = this;
    this.brand = published.settings().brand;
    return createPublicServer(
      { settings: { ...settings, brand: this.brand }, logger: log, metrics, traces },
      {
        ...{ catalog: published, upstreams, keys, usage, calls, responses, limiter },
        storeResponses: () => published.settings().storeResponses !== 'off',
        limiterUnavailable: () => published.settings().limiterUnavailable,
      },
    );
  }

  private checkBrand(): void {
    if (this.brand === undefined || this.brandWarned) return;
    const { brand } = this.published.settings();
    if (brand.slug === this.brand.slug) return;
    this.brandWarned = true;
    const { log } = this.options;
    log.warn({ serving: this.brand.slug, published: brand.slug }, 'the brand changed: restart to use its header names');
  }
}
