import { type BeforeApplicationShutdown, type DynamicModule, Inject, Module } from '@nestjs/common';
import {
  CATALOG_SOURCE,
  KEY_DIRECTORY,
  LIMITER,
  USAGE_SINK,
  type CatalogSource,
  type HealthCheck,
  type KeyDirectory,
  type Limiter,
  type UsageSink,
} from '@switchboard/contracts';
import { PublicServer } from './adapters/public-server';
import { EDGE_HEALTH } from './client';
import { createPublicServer, type EdgeApiOptions } from './create-public-server';

/**
 * The public port as a Nest module. Needs CATALOG_SOURCE, KEY_DIRECTORY and USAGE_SINK from its host, takes LIMITER where
 * there is one, and listens when its host calls `PublicServer.listen`; at shutdown open replies end first.
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
          inject: [CATALOG_SOURCE, KEY_DIRECTORY, USAGE_SINK, { token: LIMITER, optional: true }],
          useFactory: (catalog: CatalogSource, keys: KeyDirectory, usage: UsageSink, limiter?: Limiter) =>
            createPublicServer(options, { catalog, keys, usage, limiter }),
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
