import 'reflect-metadata';
import { createLogger, createMetrics, openNatsBus, reportConfiguration, runService } from '@switchboard/platform';
import { readRouterSettings } from './config';
import { RouterServiceModule } from './router.module';

async function main(): Promise<void> {
  const read = readRouterSettings(process.env);
  if (!reportConfiguration({ faults: read.ok ? [] : read.faults }) || !read.ok) return;
  const { settings } = read;
  const log = createLogger({ level: settings.LOG_LEVEL, name: 'router' });
  const metrics = createMetrics();
  const { NATS_URL: url, NATS_REPLICAS: replicas } = settings;
  const bus = openNatsBus({ url, replicas, name: `router ${settings.INSTANCE}`, log });
  const module = RouterServiceModule.forRoot({ bus, log, metrics, instance: settings.INSTANCE });
  await runService({ name: 'router', settings, module, log, metrics, bus });
}

void main();
