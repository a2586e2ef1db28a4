export { RedisEpoch } from './adapters/redis-epoch';
export { RedisQuota, type RedisQuotaOptions } from './adapters/redis-quota';
export { InMemoryQuota } from './core/in-memory-quota';
export type { Quota, QuotaSettings } from './core/quota';
export { guardQuota } from './guarded-quota';
export { createRateLimit, type RateLimit, type RateLimitOptions } from './rate-limit';
export { RateLimitModule } from './rate-limit.module';
