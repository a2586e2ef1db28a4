import { type DynamicModule, Module } from '@nestjs/common';
import { type Bus, HEALTH_CHECKS, type HealthCheck } from '@switchboard/contracts';
import { busHealth, type Logger, type Metrics } from '@switchboard/platform';
import { RouterModule } from '@switchboard/router';
import { ROUTER_HEALTH } from '@switchboard/router/client';

@Module({})
export class RouterServiceModule {
  static forRoot(parts: { bus: Bus; log: Logger; metrics: Metrics; instance: string }): DynamicModule {
    const { bus } = parts;
    return {
      module: RouterServiceModule,
      imports: [RouterModule.forRoot({ ...parts, allowLoopback: false })],
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
