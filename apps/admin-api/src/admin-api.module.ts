import { type DynamicModule, Module } from '@nestjs/common';
import {
  AdminApiModule,
  type AdminStoreOptions,
  AdminWritingModule,
  createAdminStore,
  type OidcOptions,
} from '@switchboard/admin-api';
import { type Bus, HEALTH_CHECKS, type HealthCheck, LIMITER, ROUTING_EXPLAINER } from '@switchboard/contracts';
import { UsageQueriesModule } from '@switchboard/metering';
import { usageBacklog } from '@switchboard/metering/client';
import { busHealth, type Logger, type Metrics } from '@switchboard/platform';
import { BusLimiter } from '@switchboard/rate-limit/client';
import { createRouterClient } from '@switchboard/router/client';
import type { AdminSecrets } from './config';

export interface AdminServiceParts {
  bus: Bus;
  databaseUrl: string;
  secrets: AdminSecrets;
  oidc?: OidcOptions;
  /** Where gateway.yaml is looked for, and what is added to it. */
  config: Omit<AdminStoreOptions['config'], 'standalone'>;
  log: Logger;
  metrics: Metrics;
}

@Module({})
export class AdminServiceModule {
  static forRoot({ bus, databaseUrl, secrets, oidc, config, log, metrics }: AdminServiceParts): DynamicModule {
    const { kek, peppers, adminToken } = secrets;
    const store = createAdminStore({
      ...{ databaseUrl, bus, kek, peppers, logger: log, metrics },
      config: { ...config, standalone: false },
    });
    const api = AdminApiModule.forRoot({
      ...{ adminToken, oidc, metrics, logger: log },
      administration: { bus, usageBacklog: () => usageBacklog({ bus }) },
      imports: [AdminWritingModule.over(store), UsageQueriesModule.forRoot({ databaseUrl, bus, logger: log })],
      providers: [
        { provide: LIMITER, useValue: new BusLimiter({ bus, log }) },
        { provide: ROUTING_EXPLAINER, useValue: createRouterClient({ bus }) },
      ],
    });
    const health: HealthCheck[] = [busHealth(bus, { name: 'nats', required: true }), ...store.health];
    return {
      module: AdminServiceModule,
      imports: [api],
      providers: [{ provide: HEALTH_CHECKS, useValue: health }],
      exports: [HEALTH_CHECKS],
    };
  }
}
