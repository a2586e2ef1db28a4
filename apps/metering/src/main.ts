import 'reflect-metadata';
import {
  createLogger,
  createMetrics,
  openNatsBus,
  openTracing,
  reportConfiguration,
  runService,
} from '@switchboard/platform';
import { readMeteringSettings } from './config';
import { MeteringServiceModule } from './metering-service.module';

async function main(): Promise<void> {
  const read = readMeteringSettings(process.env);
  if (!reportConfiguration({ faults: read.ok ? [] : read.faults }) || !read.ok) return;
  const { settings, sealer } = read;
  const log = createLogger({ level: settings.LOG_LEVEL, name: 'metering' });
  const metrics = createMetrics();
  const { NATS_URL: url, NATS_REPLICAS: replicas } = settings;
  const bus = openNatsBus({ url, replicas, name: `metering ${settings.INSTANCE}`, log });
  const tracing = await openTracing({ settings, service: 'metering', log, metrics });
  const module = MeteringServiceModule.forRoot({
    ...{ bus, databaseUrl: settings.DATABASE_URL, redisUrl: settings.REDIS_URL, sealer, log, metrics },
    callLogRetentionDays: settings.CALL_LOG_RETENTION_DAYS,
    responsesRetentionDays: settings.RESPONSES_RETENTION_DAYS,
    tenantCostTop: settings.TENANT_COST_TOP,
    retentionMonths: settings.USAGE_RETENTION_MONTHS,
    spans: tracing,
  });
  await runService({ name: 'metering', settings, module, log, metrics, bus, tracing });
}

void main();
