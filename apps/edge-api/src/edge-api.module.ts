import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import {
  type Bus,
  CALL_LOG,
  HEALTH_CHECKS,
  type HealthCheck,
  LIMITER,
  RESPONSE_STORE,
  USAGE_SINK,
} from '@switchboard/contracts';
import { EdgeApiModule, type EdgeApiOptions } from '@switchboard/edge-api';
import { EDGE_HEALTH } from '@switchboard/edge-api/client';
import {
  type BufferedCallLog,
  createCallPublisher,
  createResponseClient,
  createUsagePublisher,
  type ResponseArchive,
  type UsagePublisher,
  UsageSpool,
} from '@switchboard/metering/client';
import type { Logger, Metrics, SpanSink } from '@switchboard/platform';
import { BusLimiter } from '@switchboard/rate-limit/client';
import type { EdgeSecrets, EdgeServiceSettings } from './config';

/** How long a shutdown waits for the stream to confirm the last usage records; what it does not is logged whole. */
export const USAGE_DRAIN_MS = 10_000;

export interface EdgeServiceParts {
  bus: Bus;
  settings: EdgeServiceSettings;
  secrets: EdgeSecrets;
  log: Logger;
  metrics: Metrics;
  /** Absent: nothing is traced. */
  spans?: SpanSink | undefined;
}

/** An edge replica on the bus. At shutdown open replies end first, then their usage is published, and settled. */
@Module({})
export class EdgeServiceModule implements OnApplicationShutdown {
  constructor(
    @Inject(USAGE_SINK) private readonly usage: UsagePublisher,
    @Inject(CALL_LOG) private readonly calls: BufferedCallLog,
    @Inject(RESPONSE_STORE) private readonly responses: ResponseArchive,
    @Inject(LIMITER) private readonly limiter: BusLimiter,
  ) {}

  static forRoot(parts: EdgeServiceParts): DynamicModule {
    const { bus, log, metrics, secrets } = parts;
    return {
      module: EdgeServiceModule,
      global: true,
      imports: [EdgeApiModule.forRoot(edgeOf(parts))],
      providers: [
        { provide: USAGE_SINK, useFactory: () => createUsageSink(parts) },
        { provide: CALL_LOG, useFactory: () => createCallPublisher({ bus, log, metrics }) },
        {
          provide: RESPONSE_STORE,
          useFactory: () => createResponseClient({ bus, sealer: secrets.tenantSealer, log, metrics }),
        },
        {
          provide: LIMITER,
          useFactory: () => new BusLimiter({ bus, log, batchMax: parts.settings.ADMISSION_BATCH_MAX }),
        },
        { provide: HEALTH_CHECKS, inject: [EDGE_HEALTH], useFactory: (health: HealthCheck[]) => health },
      ],
      exports: [USAGE_SINK, CALL_LOG, RESPONSE_STORE, LIMITER, HEALTH_CHECKS],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    const { usage, calls, responses, limiter } = this;
    const buffers = [usage, calls, responses];
    await Promise.all([...buffers.map((each) => each.drain(USAGE_DRAIN_MS)), limiter.close(USAGE_DRAIN_MS)]);
    await Promise.all(buffers.map((each) => each.close()));
  }
}

/** @throws Error that names the folder where the spool cannot be written. */
async function createUsageSink({ bus, settings, log, metrics, spans }: EdgeServiceParts): Promise<UsagePublisher> {
  const spool = await UsageSpool.open({
    ...{ dir: settings.SPOOL_DIR, bytesMax: settings.SPOOL_MAX_BYTES, log, metrics },
  });
  return createUsagePublisher({ bus, log, metrics, spool, spans });
}

function edgeOf({ bus, settings, secrets, log, metrics, spans }: EdgeServiceParts): EdgeApiOptions {
  return {
    ...{ bus, log, metrics, sealer: secrets.sealer, hasher: secrets.hasher },
    ...{ port: settings.PORT, host: settings.HOST },
    traces: spans && {
      ...{ spans, ratio: settings.OTEL_TRACES_SAMPLER_ARG },
      slowFirstTokenMs: settings.TRACE_SLOW_FIRST_TOKEN_MS,
      slowReplyMs: settings.TRACE_SLOW_REPLY_MS,
    },
    settings: {
      maxBodyBytes: settings.MAX_BODY_BYTES,
      keepaliveMs: settings.KEEPALIVE_MS,
      readOnMs: settings.READ_ON_MS,
      drainMs: settings.DRAIN_MS,
      drainGraceMs: settings.DRAIN_GRACE_MS,
      trustedProxies: settings.TRUSTED_PROXIES,
      allowLoopback: false,
    },
  };
}
