import { type BeforeApplicationShutdown, type DynamicModule, Inject, Module } from '@nestjs/common';
import {
  CATALOG_SOURCE,
  KEY_DIRECTORY,
  USAGE_SINK,
  type CatalogSource,
  type HealthCheck,
  type KeyDirectory,
  type UsageSink,
} from '@switchboard/contracts';
import type { Logger, Metrics } from '@switchboard/platform';
import { TokenCounter } from './adapters/token-counter';
import { UpstreamPools } from './adapters/upstream-pools';
import { EDGE_HEALTH, type EdgeSettings } from './client';
import { headerNames } from './core/reply-headers';
import { EdgeMetrics } from './edge-metrics';
import { Sweeper } from './inference/sweeper';
import { PublicServer } from './adapters/public-server';

export interface EdgeApiOptions {
  settings: EdgeSettings;
  logger: Logger;
  metrics: Metrics;
}

/**
 * The public port as a Nest module. Needs CATALOG_SOURCE, KEY_DIRECTORY and USAGE_SINK from its host, which calls
 * `PublicServer.listen`; at shutdown open replies end first.
 */
@Module({})
export class EdgeApiModule implements BeforeApplicationShutdown {
  constructor(@Inject(PublicServer) private readonly server: PublicServer) {}

  static forRoot(options: EdgeApiOptions): DynamicModule {
    return {
      module: EdgeApiModule,
      global: true,
      providers: [
        {
          provide: PublicServer,
          inject: [CATALOG_SOURCE, KEY_DIRECTORY, USAGE_SINK],
          useFactory: (catalog: CatalogSource, keys: KeyDirectory, usage: UsageSink) =>
            createPublicServer(options, catalog, keys, usage),
        },
        {
          provide: EDGE_HEALTH,
          useFactory: (server: PublicServer): HealthCheck => server.health,
          inject: [PublicServer],
        },
      ],
      exports: [PublicServer, EDGE_HEALTH],
    };
  }

  /** Before the others shut down: open replies still have usage to record. */
  beforeApplicationShutdown(): Promise<void> {
    return this.server.close();
  }
}

function createPublicServer(
  { settings, logger, metrics }: EdgeApiOptions,
  catalog: CatalogSource,
  keys: KeyDirectory,
  usage: UsageSink,
): PublicServer {
  const sweeper = new Sweeper();
  return new PublicServer({
    settings,
    names: headerNames(settings.brand.slug),
    catalog,
    keys,
    usage,
    pools: new UpstreamPools((error) => logger.error({ err: error }, 'closing an upstream pool failed')),
    tokens: new TokenCounter((error) =>
      logger.error({ err: error }, 'the token counter crashed and will be restarted'),
    ),
    sweeper,
    metrics: new EdgeMetrics(metrics, () => sweeper.size),
    log: logger,
  });
}
