import { type DynamicModule, Module } from '@nestjs/common';
import { AdminApiModule } from '@switchboard/admin-api';
import { CATALOG_SOURCE, HEALTH_CHECKS, KEY_DIRECTORY, type HealthCheck } from '@switchboard/contracts';
import { EdgeApiModule } from '@switchboard/edge-api';
import { EDGE_HEALTH, type EdgeSettings } from '@switchboard/edge-api/client';
import { MeteringModule } from '@switchboard/metering';
import { METERING_HEALTH } from '@switchboard/metering/client';
import { type GatewayConfig, type Logger, type Metrics, PrivatePortModule } from '@switchboard/platform';
import { InMemoryCatalog, InMemoryKeys } from './in-memory-records';

export interface StandaloneParts {
  config: GatewayConfig;
  edge: EdgeSettings;
  databaseUrl: string;
  adminToken: string;
  logger: Logger;
  metrics: Metrics;
}

/** The feature modules bound to embedded parts. */
@Module({})
export class StandaloneModule {
  static forRoot({ config, edge, databaseUrl, adminToken, logger, metrics }: StandaloneParts): DynamicModule {
    return {
      module: StandaloneModule,
      imports: [
        MeteringModule.forRoot({ databaseUrl, logger, metrics }),
        EdgeApiModule.forRoot({ settings: edge, logger, metrics }),
        PrivatePortModule.forRoot({ logger, metrics }),
        AdminApiModule.forRoot({ adminToken, logger, metrics }),
      ],
      global: true,
      providers: [
        { provide: CATALOG_SOURCE, useValue: new InMemoryCatalog(config) },
        { provide: KEY_DIRECTORY, useValue: new InMemoryKeys(config) },
        {
          provide: HEALTH_CHECKS,
          inject: [EDGE_HEALTH, METERING_HEALTH],
          useFactory: (...checks: HealthCheck[]) => checks,
        },
      ],
      exports: [CATALOG_SOURCE, KEY_DIRECTORY, HEALTH_CHECKS],
    };
  }
}
