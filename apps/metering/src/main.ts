import 'reflect-metadata';
import { createLogger, createMetrics, openNatsBus, reportConfiguration, runService } from '@switchboard/platform';
import { readMeteringSettings } from './config';
import { MeteringServiceModule } from './metering-service.module';

async function main(): Promise<void> {
  const read = readMeteringSettings(process.env);
  if (!reportConfiguration({ faults: read.ok ? [] : read.faults }) || !read.ok) return;
  const { settings, sealer } = read;
  const log = createLogger({ level: settings.LOG_LEVEL, name: 'metering' });
  const metrics = createMetrics();
  const bus = openNatsBus({ url: settings.NATS_URL, name: `metering ${settings.INSTANCE}`, log });
  const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, CALL_LOG_RETENTION_DAYS: callLogRetentionDays } = settings;
  const module = MeteringServiceModule.forRoot({
    bus,
    databaseUrl,
    redisUrl,
    callLogRetentionDays,
    sealer,
    log,
    metrics,
  });
  await runService({ name: 'metering', settings, module, log, metrics, bus });
}

void main();
