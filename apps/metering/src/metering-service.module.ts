import { type DynamicModule, Module } from '@nestjs/common';
import { type Bus, HEALTH_CHECKS, type HealthCheck } from '@switchboard/contracts';
import { MeteringConsumerModule } from '@switchboard/metering';
import { JOBS_HEALTH, METERING_HEALTH } from '@switchboard/metering/client';
import { busHealth, type Logger, type Metrics } from '@switchboard/platform';

export interface MeteringServiceParts {
  bus: Bus;
  databaseUrl: string;
  redisUrl: string;
  log: Logger;
  metrics: Metrics;
}

@Module({})
export class MeteringServiceModule {
  static forRoot({ bus, databaseUrl, redisUrl, log, metrics }: MeteringServiceParts): DynamicModule {
    return {
      module: MeteringServiceModule,
      imports: [MeteringConsumerModule.forRoot({ bus, databaseUrl, redisUrl, log, metrics })],
      providers: [
        {
          provide: HEALTH_CHECKS,
          inject: [METERING_HEALTH, JOBS_HEALTH],
          useFactory: (postgres: HealthCheck, redis: HealthCheck): HealthCheck[] => [
            busHealth(bus, { name: 'nats', required: true }),
            postgres,
            redis,
          ],
        },
      ],
      exports: [HEALTH_CHECKS],
    };
  }
}
