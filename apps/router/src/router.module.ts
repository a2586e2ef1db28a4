import { type DynamicModule, Module } from '@nestjs/common';
import { type Bus, HEALTH_CHECKS, type HealthCheck } from '@switchboard/contracts';
import { busHealth, type Logger, type Metrics } from '@switchboard/platform';
import { RouterModule } from '@switchboard/router';
import { ROUTER_HEALTH } from '@switchboard/router/client';

@Module({})
export class RouterServiceModule {
  static forRoot({ bus, log, metrics }: { bus: Bus; log: Logger; metrics: Metrics }): DynamicModule {
    return {
      module: RouterServiceModule,
      imports: [RouterModule.forRoot({ bus, log, metrics })],
      providers: [
        {
          provide: HEALTH_CHECKS,
          inject: [ROUTER_HEALTH],
          useFactory: (catalog: HealthCheck): HealthCheck[] => [
            busHealth(bus, { name: 'nats', required: true }),
            catalog,
          ],
        },
      ],
      exports: [HEALTH_CHECKS],
    };
  }
}
