import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { type Bus, HEALTH_CHECKS, type HealthCheck } from '@switchboard/contracts';
import { createBusLedger } from '@switchboard/metering/client';
import {
  busHealth,
  closeRedis,
  type Logger,
  type Metrics,
  openRedis,
  type Redis,
  redisHealth,
  type SpanSink,
} from '@switchboard/platform';
import { guardQuota, RateLimitModule, RedisEpoch, RedisQuota } from '@switchboard/rate-limit';

const REDIS = Symbol('REDIS');

export interface RateLimitServiceParts {
  bus: Bus;
  redisUrl: string;
  leaseMs: number;
  redisTimeoutMs: number;
  log: Logger;
  metrics: Metrics;
  /** Of traced calls. Absent: nothing is traced. */
  spans?: SpanSink | undefined;
}

/** A replica of the limiter; lets go of Redis once nothing is in hand. */
@Module({})
export class RateLimitServiceModule implements OnApplicationShutdown {
  constructor(@Inject(REDIS) private readonly redis: Redis) {}

  static forRoot(parts: RateLimitServiceParts): DynamicModule {
    const { bus, redisUrl, leaseMs, redisTimeoutMs, log, metrics, spans } = parts;
    const tracing = spans && { spans, store: 'redis' as const };
    const redis = openRedis({ url: redisUrl, log, name: 'rate-limit' });
    const store = new RedisEpoch(redis);
    const quota = guardQuota(new RedisQuota({ redis, epoch: store.current, leaseMs }), redisTimeoutMs);
    const ledger = createBusLedger({ bus });
    return {
      module: RateLimitServiceModule,
      imports: [RateLimitModule.forRoot({ bus, quota, ledger, leaseMs, store, log, metrics, tracing })],
      providers: [
        { provide: REDIS, useValue: redis },
        {
          provide: HEALTH_CHECKS,
          useFactory: (): HealthCheck[] => [
            busHealth(bus, { name: 'nats', required: true }),
            redisHealth(redis, { required: true }),
          ],
        },
      ],
      exports: [HEALTH_CHECKS],
    };
  }

  onApplicationShutdown(): Promise<void> {
    return closeRedis(this.redis);
  }
}
