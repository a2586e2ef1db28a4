import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { HEALTH_CHECKS, type HealthCheck } from '@switchboard/contracts';
import type { Logger } from '../logging/logger';
import type { Metrics } from '../metrics/metrics';
import { MetricsController, PRIVATE_PORT_METRICS } from './metrics.controller';
import { ProbesController } from './probes.controller';
import { Readiness } from './readiness';
import { registerReadinessMetrics } from './service-metrics';

export interface PrivatePortOptions {
  metrics: Metrics;
  logger: Logger;
  /** Where HEALTH_CHECKS comes from, where it is not global. */
  imports?: ModuleMetadata['imports'];
  providers?: ModuleMetadata['providers'];
}

/** What the platform asks of every process: `/healthz`, `/readyz`, `/metrics`, without a token. */
@Module({})
export class PrivatePortModule {
  static forRoot({ metrics, logger, imports = [], providers = [] }: PrivatePortOptions): DynamicModule {
    return {
      module: PrivatePortModule,
      imports,
      controllers: [ProbesController, MetricsController],
      providers: [
        ...providers,
        { provide: PRIVATE_PORT_METRICS, useValue: metrics },
        {
          provide: Readiness,
          inject: [HEALTH_CHECKS],
          useFactory: (checks: readonly HealthCheck[]) => {
            const readiness = new Readiness(checks, logger);
            registerReadinessMetrics(metrics, readiness);
            return readiness;
          },
        },
      ],
      exports: [Readiness],
    };
  }
}
