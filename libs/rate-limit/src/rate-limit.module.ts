import { type BeforeApplicationShutdown, type DynamicModule, Inject, Module } from '@nestjs/common';
import { createRateLimit, type RateLimit, type RateLimitOptions } from './rate-limit';

const RATE_LIMIT = Symbol('RATE_LIMIT');

/** Serves the limiter on the bus for as long as its host lives. */
@Module({})
export class RateLimitModule implements BeforeApplicationShutdown {
  constructor(@Inject(RATE_LIMIT) private readonly rateLimit: RateLimit) {}

  static forRoot(options: RateLimitOptions): DynamicModule {
    return {
      module: RateLimitModule,
      providers: [{ provide: RATE_LIMIT, useFactory: () => createRateLimit(options) }],
    };
  }

  /** Before the host lets go of the bus and the store. */
  beforeApplicationShutdown(): Promise<void> {
    return this.rateLimit.close();
  }
}
