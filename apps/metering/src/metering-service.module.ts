import { type DynamicModule, Module } from '@nestjs/common';
import { type Bus, HEALTH_CHECKS, type HealthCheck } from '@switchboard/contracts';
import { MeteringConsumerModule } from '@switchboard/metering';
import { JOBS_HEALTH, METERING_HEALTH } from '@switchboard/metering/client';
import { busHealth, type Logger, type Metrics, type Sealer, type SpanSink } from '@switchboard/platform';

export interface MeteringServiceParts {
  bus: Bus;
  databaseUrl: string;
  redisUrl: string;
  callLogRetentionDays: number;
  responsesRetentionDays: number;
  tenantCostTop: number;
  sealer: Pick<Sealer, 'open'>;
  /** Of usage; undefined: all are kept. */
  retentionMonths: number | undefined;
  log: Logger;
  metrics: Metrics;
  /** Of traced calls. Absent: nothing is traced. */
  spans?: SpanSink | undefined;
}

@Module({})
export class MeteringServiceModule {
  static forRoot({ bus, log, metrics, ...parts }: MeteringServiceParts): DynamicModule {
    return {
      module: MeteringServiceModule,
      imports: [MeteringConsumerModule.forRoot({ bus, log, metrics, ...parts })],
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
