import 'reflect-metadata';
import {
  createLogger,
  createMetrics,
  openNatsBus,
  openTracing,
  reportConfiguration,
  runService,
} from '@switchboard/platform';
import { readRateLimitSettings } from './config';
import { RateLimitServiceModule } from './rate-limit.module';

async function main(): Promise<void> {
  const read = readRateLimitSettings(process.env);
  if (!reportConfiguration({ faults: read.ok ? [] : read.faults }) || !read.ok) return;
  const { settings } = read;
  const log = createLogger({ level: settings.LOG_LEVEL, name: 'rate-limit' });
  const metrics = createMetrics();
  const { NATS_URL: url, NATS_REPLICAS: replicas } = settings;
  const bus = openNatsBus({ url, replicas, name: `rate-limit ${settings.INSTANCE}`, log });
  const tracing = await openTracing({ settings, service: 'rate-limit', log, metrics });
  const module = RateLimitServiceModule.forRoot({
    ...{ bus, log, metrics, spans: tracing },
    redisUrl: settings.REDIS_URL,
    leaseMs: settings.RESERVATION_LEASE_MS,
    redisTimeoutMs: settings.REDIS_TIMEOUT_MS,
  });
  await runService({ name: 'rate-limit', settings, module, log, metrics, bus, tracing });
}

void main();
