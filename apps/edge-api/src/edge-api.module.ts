import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { type Bus, HEALTH_CHECKS, type HealthCheck, USAGE_SINK } from '@switchboard/contracts';
import { EdgeReplica } from '@switchboard/edge-api';
import { createUsagePublisher, type UsagePublisher } from '@switchboard/metering/client';
import type { Logger, Metrics } from '@switchboard/platform';
import { createBusLimiter } from '@switchboard/rate-limit/client';
import type { EdgeSecrets, EdgeServiceSettings } from './config';

/** How long a shutdown waits for the stream to confirm the last usage records; what it does not is logged whole. */
export const USAGE_DRAIN_MS = 10_000;

export interface EdgeServiceParts {
  bus: Bus;
  settings: EdgeServiceSettings;
  secrets: EdgeSecrets;
  log: Logger;
  metrics: Metrics;
}

/** An edge replica on the bus. At shutdown open replies end first, then their usage is published. */
@Module({})
export class EdgeServiceModule implements BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    @Inject(EdgeReplica) private readonly replica: EdgeReplica,
    @Inject(USAGE_SINK) private readonly usage: UsagePublisher,
  ) {}

  static forRoot(parts: EdgeServiceParts): DynamicModule {
    const { bus, log, metrics } = parts;
    return {
      module: EdgeServiceModule,
      providers: [
        { provide: USAGE_SINK, useFactory: () => createUsagePublisher({ bus, log, metrics }) },
        { provide: EdgeReplica, inject: [USAGE_SINK], useFactory: (usage: UsagePublisher) => replicaOf(parts, usage) },
        {
          provide: HEALTH_CHECKS,
          inject: [EdgeReplica],
          useFactory: ({ health }: EdgeReplica): HealthCheck[] => health,
        },
      ],
      exports: [EdgeReplica, HEALTH_CHECKS],
    };
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.replica.close();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.usage.drain(USAGE_DRAIN_MS);
    await this.usage.close();
  }
}

function replicaOf({ bus, settings, secrets, log, metrics }: EdgeServiceParts, usage: UsagePublisher): EdgeReplica {
  return new EdgeReplica({
    ...{ bus, usage, log, metrics, ...secrets, port: settings.PORT, host: settings.HOST },
    limiter: createBusLimiter({ bus }),
    settings: {
      maxBodyBytes: settings.MAX_BODY_BYTES,
      keepaliveMs: settings.KEEPALIVE_MS,
      drainMs: settings.DRAIN_MS,
      drainGraceMs: settings.DRAIN_GRACE_MS,
      trustedProxies: settings.TRUSTED_PROXIES,
      allowLoopback: false,
    },
  });
}
