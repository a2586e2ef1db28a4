import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { type Bus, HEALTH_CHECKS, type HealthCheck } from '@switchboard/contracts';
import {
  busHealth,
  closeRedis,
  type Logger,
  type Metrics,
  openRedis,
  type Redis,
  redisHealth,
} from '@switchboard/platform';
import { RateLimitModule, RedisReservations } from '@switchboard/rate-limit';

const REDIS = Symbol('REDIS');

export interface RateLimitServiceParts {
  bus: Bus;
  redisUrl: string;
  reservationTtlMs: number;
  log: Logger;
  metrics: Metrics;
}

/** A replica of the limiter; lets go of Redis once nothing is in hand. */
@Module({})
export class RateLimitServiceModule implements OnApplicationShutdown {
  constructor(@Inject(REDIS) private readonly redis: Redis) {}

  static forRoot({ bus, redisUrl, reservationTtlMs, log, metrics }: RateLimitServiceParts): DynamicModule {
    const redis = openRedis({ url: redisUrl, log, name: 'rate-limit' });
    const reservations = new RedisReservations(redis, { ttlMs: reservationTtlMs });
    return {
      module: RateLimitServiceModule,
      imports: [RateLimitModule.forRoot({ bus, reservations, log, metrics })],
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
