import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import {
  CALL_LOG,
  CALL_QUERIES,
  type HealthCheck,
  RECONCILIATIONS,
  REFUSED_USAGE,
  RESPONSE_STORE,
  USAGE_QUERIES,
  USAGE_SINK,
} from '@switchboard/contracts';
import { METERING_HEALTH } from './client';
import { createMetering, type Metering, type MeteringOptions } from './metering';

const METERING = Symbol('METERING');

/**
 * Provides USAGE_SINK, USAGE_QUERIES, CALL_LOG, CALL_QUERIES, RESPONSE_STORE, REFUSED_USAGE, RECONCILIATIONS and
 * METERING_HEALTH, and does the recurring jobs; at shutdown writes what waits and disconnects.
 */
@Module({})
export class MeteringModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(@Inject(METERING) private readonly metering: Metering) {}

  static forRoot(options: MeteringOptions): DynamicModule {
    return MeteringModule.over(createMetering(options));
  }

  /** Over metering that the caller has made, to ask its store; the module closes it. */
  static over(metering: Metering): DynamicModule {
    return {
      module: MeteringModule,
      global: true,
      providers: [
        { provide: METERING, useValue: metering },
        { provide: USAGE_SINK, useFactory: ({ store }: Metering) => store, inject: [METERING] },
        { provide: USAGE_QUERIES, useFactory: ({ queries }: Metering) => queries, inject: [METERING] },
        { provide: CALL_LOG, useFactory: ({ callLog }: Metering) => callLog, inject: [METERING] },
        { provide: RESPONSE_STORE, useFactory: ({ responses }: Metering) => responses, inject: [METERING] },
        { provide: CALL_QUERIES, useFactory: ({ calls }: Metering) => calls, inject: [METERING] },
        { provide: REFUSED_USAGE, useFactory: ({ refused }: Metering) => refused, inject: [METERING] },
        {
          provide: RECONCILIATIONS,
          useFactory: ({ reconciliations }: Metering) => reconciliations,
          inject: [METERING],
        },
        { provide: METERING_HEALTH, useFactory: ({ health }: Metering): HealthCheck => health, inject: [METERING] },
      ],
      exports: [
        ...[USAGE_SINK, USAGE_QUERIES, CALL_LOG, CALL_QUERIES, RESPONSE_STORE],
        ...[REFUSED_USAGE, RECONCILIATIONS, METERING_HEALTH],
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.metering.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.metering.close();
  }
}
