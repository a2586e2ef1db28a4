import { type DynamicModule, Inject, Module, type BeforeApplicationShutdown } from '@nestjs/common';
import {
  CATALOG_SOURCE,
  KEY_DIRECTORY,
  USAGE_SINK,
  type CatalogSource,
  type KeyDirectory,
  type UsageSink,
} from '@switchboard/contracts';
import { LOGGER, METRICS, type Logger, type Metrics } from '@switchboard/platform';
import { TokenCounter } from './adapters/token-counter';
import { UpstreamPools } from './adapters/upstream-pools';
import { EDGE_SETTINGS, type EdgeSettings } from './client';
import { headerNames } from './core/reply-headers';
import { EdgeMetrics } from './edge-metrics';
import { Sweeper } from './inference/sweeper';
import { PublicServer } from './public-server';

/** The public port as a Nest module; its host binds the ports it needs and calls `PublicServer.listen`. */
@Module({})
export class EdgeApiModule implements BeforeApplicationShutdown {
  constructor(@Inject(PublicServer) private readonly server: PublicServer) {}

  static forRoot(settings: EdgeSettings): DynamicModule {
    return {
      module: EdgeApiModule,
      providers: [
        { provide: EDGE_SETTINGS, useValue: settings },
        {
          provide: PublicServer,
          inject: [EDGE_SETTINGS, CATALOG_SOURCE, KEY_DIRECTORY, USAGE_SINK, LOGGER, METRICS],
          useFactory: createPublicServer,
        },
      ],
      exports: [PublicServer],
    };
  }

  /** Before the others shut down: open replies still have usage to record. */
  beforeApplicationShutdown(): Promise<void> {
    return this.server.close();
  }
}

export function createPublicServer(
  settings: EdgeSettings,
  catalog: CatalogSource,
  keys: KeyDirectory,
  usage: UsageSink,
  log: Logger,
  metrics: Metrics,
): PublicServer {
  return new PublicServer({
    settings,
    names: headerNames(settings.brand.slug),
    catalog,
    keys,
    usage,
    pools: new UpstreamPools((error) => log.error({ err: error }, 'closing an upstream pool failed')),
    tokens: new TokenCounter((error) => log.error({ err: error }, 'the token counter crashed and will be restarted')),
    sweeper: new Sweeper(),
    metrics: new EdgeMetrics(metrics),
    log,
  });
}
