import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type AdminStore, createAdminStore } from '@switchboard/admin-api';
import type { HealthCheck } from '@switchboard/contracts';
import { EdgeReplica } from '@switchboard/edge-api';
import { createMetering, type Metering } from '@switchboard/metering';
import { UsageSpool } from '@switchboard/metering/client';
import {
  createKeyHasher,
  createLocalBus,
  createMetrics,
  createSealer,
  createTenantSealer,
  type GatewayConfig,
  Heartbeat,
  listeningUrl,
  type Logger,
  nestLogger,
  openTracing,
  provideSecretRing,
  Readiness,
  registerBuildInfo,
  releaseVersion,
  type SecretRing,
} from '@switchboard/platform';
import type { Settings } from './settings';
import { SERVICE, StandaloneModule, type StandaloneParts } from './standalone.module';

/** A start goes on without it; readiness tells of it from then on. */
const CONFIRMED_WITHIN_MS = 2_000;
const CONFIRMATION_POLL_MS = 10;

export interface ApplicationOptions {
  settings: Settings;
  /** Has this release's schema. */
  databaseUrl: string;
  adminToken: string;
  /** Where gateway.yaml is read and watched, and what it is completed with. */
  config: {
    env: NodeJS.ProcessEnv;
    cwd: string;
    declare: (config: GatewayConfig) => GatewayConfig;
    /** Warnings the operator has seen. */
    told: readonly string[];
  };
  logger: Logger;
}

export interface Application {
  publicUrl: string;
  adminUrl: string;
}

type Stop = () => Promise<unknown>;
type Secrets = Record<'kek' | 'peppers', SecretRing>;
type Tools = Pick<StandaloneParts, 'bus' | 'adminToken' | 'logger' | 'metrics' | 'spans'> & { databaseUrl: string };

/**
 * Resolves when both ports listen, the public one from the first whole catalog on; `stops` gets what ends it.
 *
 * @throws the error of `listen`, EADDRINUSE say.
 */
export async function startApplication(options: ApplicationOptions, stops: Stop[]): Promise<Application> {
  const { settings, databaseUrl, adminToken, logger } = options;
  const metrics = createMetrics();
  const tracing = await openTracing({ settings, service: SERVICE, log: logger, metrics });
  stops.push(async () => tracing?.close());
  const bus = createLocalBus({ log: logger });
  stops.push(() => bus.close());
  const tools: Tools = { bus, databaseUrl, adminToken, logger, metrics, spans: tracing };
  registerBuildInfo(metrics, { component: SERVICE, version: releaseVersion() });
  const secrets: Secrets = {
    kek: provideSecretRing(path.join(settings.DATA_DIR, 'kek')),
    peppers: provideSecretRing(path.join(settings.DATA_DIR, 'key-pepper')),
  };
  const store = openStore(options, secrets, tools);
  stops.push(() => store.close());
  // Its first queries take as long as composing the application does.
  store.start();
  const metering = await openMetering(settings, secrets, tools);
  const module = StandaloneModule.forRoot({ ...tools, store, metering, edge: edgeOf(settings, secrets, tools) });
  const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), {
    logger: nestLogger(logger),
    abortOnError: false,
  });
  stops.push(() => app.close());
  await app.listen(settings.ADMIN_PORT, settings.ADMIN_HOST);
  const publicPort = await app.get(EdgeReplica).open();
  if (publicPort === undefined) throw new Error('stopped while it was starting');
  await confirmed(store.distributor.health);
  const subject = { service: SERVICE, instance: settings.INSTANCE, version: releaseVersion() };
  const heartbeat = new Heartbeat(bus, subject, app.get(Readiness), logger);
  stops.push(() => heartbeat.stop());
  return { publicUrl: listeningUrl(settings.HOST, publicPort), adminUrl: await app.getUrl() };
}

/** The public port opens with the first publication; that it is complete is known a moment later, and then all is well. */
async function confirmed(publication: HealthCheck): Promise<void> {
  for (let waitedMs = 0; waitedMs < CONFIRMED_WITHIN_MS; waitedMs += CONFIRMATION_POLL_MS) {
    const done = await publication.check().then(
      () => true,
      () => false,
    );
    if (done) return;
    await delay(CONFIRMATION_POLL_MS);
  }
}

async function openMetering(settings: Settings, { kek }: Secrets, tools: Tools): Promise<Metering> {
  const { DATA_DIR, SPOOL_MAX_BYTES, CALL_LOG_RETENTION_DAYS, USAGE_RETENTION_MONTHS } = settings;
  const { RESPONSES_RETENTION_DAYS: responsesRetentionDays } = settings;
  const { logger: log, metrics } = tools;
  const dir = path.join(DATA_DIR, 'spool');
  const spool = await UsageSpool.open({ dir, bytesMax: SPOOL_MAX_BYTES, log, metrics });
  const kept = { callLogRetentionDays: CALL_LOG_RETENTION_DAYS, retentionMonths: USAGE_RETENTION_MONTHS };
  const sealers = { sealer: createSealer(kek), tenantSealer: createTenantSealer(kek) };
  return createMetering({ ...tools, ...kept, ...sealers, responsesRetentionDays, spool });
}

function openStore({ config }: ApplicationOptions, secrets: Secrets, tools: Tools): AdminStore {
  return createAdminStore({ ...tools, ...secrets, config: { ...config, standalone: true } });
}

function edgeOf(settings: Settings, { kek, peppers }: Secrets, { spans }: Tools): StandaloneParts['edge'] {
  return {
    ...{ sealer: createSealer(kek), hasher: createKeyHasher(peppers), port: settings.PORT, host: settings.HOST },
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
      trustedProxies: settings.TRUSTED_PROXIES,
    },
  };
}
