import 'reflect-metadata';
import { EdgeReplica, letEventLoopGoFirst, letHeapGrow } from '@switchboard/edge-api';
import {
  createLogger,
  createMetrics,
  openNatsBus,
  openTracing,
  reportConfiguration,
  runService,
} from '@switchboard/platform';
import { readEdgeSettings } from './config';
import { EdgeServiceModule, USAGE_DRAIN_MS } from './edge-api.module';

/** Beyond what draining is given: what ends it takes a moment too. */
const STOP_SLACK_MS = 10_000;

async function main(): Promise<void> {
  const read = readEdgeSettings(process.env);
  if (!reportConfiguration({ faults: read.ok ? [] : read.faults }) || !read.ok) return;
  letHeapGrow();
  const { settings, secrets } = read;
  const log = createLogger({ level: settings.LOG_LEVEL, name: 'edge-api' });
  const metrics = createMetrics();
  const { NATS_URL: url, NATS_REPLICAS: replicas } = settings;
  const bus = openNatsBus({ url, replicas, name: `edge-api ${settings.INSTANCE}`, log });
  const tracing = await openTracing({ settings, service: 'edge-api', log, metrics });
  await runService({
    ...{ name: 'edge-api', settings, log, metrics, bus, tracing },
    module: EdgeServiceModule.forRoot({ bus, settings, secrets, log, metrics, spans: tracing }),
    start: async (app) => {
      const replica = app.get(EdgeReplica, { strict: false });
      // For who cannot wait for the longest stream, but would not lose its bill either.
      process.on('SIGUSR2', () => {
        log.warn('SIGUSR2: open replies are ended');
        replica.cutShort();
      });
      const port = await replica.open();
      await letEventLoopGoFirst(log);
      log.info({ host: settings.HOST, port }, 'the public port listens');
    },
    stopLimitMs: settings.DRAIN_GRACE_MS + settings.DRAIN_MS + USAGE_DRAIN_MS + STOP_SLACK_MS,
  });
}

void main();
