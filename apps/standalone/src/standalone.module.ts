import { type DynamicModule, Module } from '@nestjs/common';
import { AdminApiModule, type AdminStore, AdminWritingModule } from '@switchboard/admin-api';
import { type Bus, HEALTH_CHECKS, type HealthCheck, LIMITER, ROUTING_EXPLAINER } from '@switchboard/contracts';
import { EdgeApiModule, type EdgeApiOptions } from '@switchboard/edge-api';
import { EDGE_HEALTH } from '@switchboard/edge-api/client';
import { type Metering, MeteringModule } from '@switchboard/metering';
import { METERING_HEALTH } from '@switchboard/metering/client';
import { type Logger, type Metrics, PrivatePortModule, type SpanSink } from '@switchboard/platform';
import { InMemoryQuota } from '@switchboard/rate-limit';
import { createLocalLimiter } from '@switchboard/rate-limit/client';
import { RouterModule } from '@switchboard/router';
import { createRouterClient } from '@switchboard/router/client';

/** In heartbeats and in the health of the system: all the services are one process. */
export const SERVICE = 'standalone';

/** Reservations end with the process that holds them, so none outlives its call. */
const NEVER_MS = Number.MAX_SAFE_INTEGER / 4;

export interface StandaloneParts {
  bus: Bus;
  edge: Pick<EdgeApiOptions, 'settings' | 'sealer' | 'hasher' | 'port' | 'host' | 'traces'>;
  store: AdminStore;
  metering: Metering;
  adminToken: string;
  logger: Logger;
  metrics: Metrics;
  /** Absent: nothing is traced. */
  spans: SpanSink | undefined;
}

/** The feature modules of the distributed form, bound to embedded parts. */
@Module({})
export class StandaloneModule {
  static forRoot(parts: StandaloneParts): DynamicModule {
    const { bus, edge, store, metering, adminToken, logger, metrics, spans } = parts;
    const tracing = spans && { spans, store: undefined };
    const quota = new InMemoryQuota({ leaseMs: NEVER_MS });
    const limiter = createLocalLimiter({ quota, ledger: metering.ledger, metrics, tracing });
    // Records go to the database without a queue in between: those in memory are how far metering is behind.
    const usageBacklog = () => Promise.resolve({ pending: metering.store.buffered, unacknowledged: 0 });
    return {
      module: StandaloneModule,
      imports: [
        MeteringModule.over(metering),
        RouterModule.forRoot({ bus, log: logger, metrics, instance: SERVICE, allowLoopback: true }),
        EdgeApiModule.forRoot({ ...edge, bus, busName: 'bus', log: logger, metrics }),
        PrivatePortModule.forRoot({ logger, metrics }),
        AdminApiModule.forRoot({
          ...{ adminToken, logger, metrics },
          administration: { bus, usageBacklog, services: [SERVICE] },
          imports: [AdminWritingModule.over(store)],
        }),
      ],
      global: true,
      providers: [
        { provide: LIMITER, useValue: limiter },
        { provide: ROUTING_EXPLAINER, useValue: createRouterClient({ bus }) },
        {
          provide: HEALTH_CHECKS,
          inject: [EDGE_HEALTH, METERING_HEALTH],
          // Metering's check of Postgres, not the admin API's: without it traffic goes on.
          useFactory: (edgeChecks: HealthCheck[], postgres: HealthCheck): HealthCheck[] => [
            ...edgeChecks,
            postgres,
            store.distributor.health,
          ],
        },
      ],
      exports: [LIMITER, ROUTING_EXPLAINER, HEALTH_CHECKS],
    };
  }
}
