import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import {
  type Bus,
  CALL_QUERIES,
  type HealthCheck,
  RECONCILIATIONS,
  REFUSED_USAGE,
  STREAMS,
  USAGE_QUERIES,
} from '@switchboard/contracts';
import type { Logger } from '@switchboard/platform';
import { USAGE_QUERIES_HEALTH } from './client';
import { openUsageQueries, type OpenUsageQueries } from './metering';

export interface UsageQueriesOptions {
  /** A database that has this release's schema (see `migrate`). */
  databaseUrl: string;
  /** Where refused usage is put again when it is replayed. */
  bus: Bus;
  logger: Logger;
}

const OPEN_QUERIES = Symbol('OPEN_QUERIES');

/**
 * Reads what another process records: provides USAGE_QUERIES, CALL_QUERIES, REFUSED_USAGE, RECONCILIATIONS and
 * USAGE_QUERIES_HEALTH; disconnects at shutdown.
 */
@Module({})
export class UsageQueriesModule implements OnApplicationShutdown {
  constructor(@Inject(OPEN_QUERIES) private readonly open: OpenUsageQueries) {}

  static forRoot({ databaseUrl, bus, logger }: UsageQueriesOptions): DynamicModule {
    return {
      module: UsageQueriesModule,
      global: true,
      providers: [
        { provide: OPEN_QUERIES, useFactory: () => openUsageQueries(databaseUrl, logger) },
        { provide: USAGE_QUERIES, useFactory: ({ queries }: OpenUsageQueries) => queries, inject: [OPEN_QUERIES] },
        { provide: CALL_QUERIES, useFactory: ({ calls }: OpenUsageQueries) => calls, inject: [OPEN_QUERIES] },
        {
          provide: REFUSED_USAGE,
          useFactory: ({ refused }: OpenUsageQueries) =>
            refused((payload, dedupeId) => bus.append(STREAMS.usage, payload, dedupeId)),
          inject: [OPEN_QUERIES],
        },
        {
          provide: RECONCILIATIONS,
          useFactory: ({ reconciliations }: OpenUsageQueries) => reconciliations,
          inject: [OPEN_QUERIES],
        },
        {
          provide: USAGE_QUERIES_HEALTH,
          useFactory: ({ health }: OpenUsageQueries): HealthCheck => health,
          inject: [OPEN_QUERIES],
        },
      ],
      exports: [USAGE_QUERIES, CALL_QUERIES, REFUSED_USAGE, RECONCILIATIONS, USAGE_QUERIES_HEALTH],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.open.close();
  }
}
