import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { PublicServer } from '@switchboard/edge-api';
import {
  banner,
  bannerModel,
  createLogger,
  createMetrics,
  listeningUrl,
  lockDataDir,
  migrate,
  nestLogger,
  openDatabase,
  provideDemoKey,
  SIMULATED_UPSTREAM,
  withDemoTenant,
  withSimulator,
  type DemoKey,
  type GatewayConfig,
} from '@switchboard/platform';
import { startSimulator } from '@switchboard/simulator';
import type { Settings } from './settings';
import { StandaloneModule } from './standalone.module';

/** What `npm run usage` and scripts find a running gateway by. */
const STATE_FILE = 'standalone.json';

type Stop = () => Promise<unknown>;

/** The whole gateway in this process. Parts start in order and stop in the opposite one. */
export class Gateway {
  private constructor(
    readonly banner: string,
    private readonly stops: readonly Stop[],
  ) {}

  static async start(settings: Settings, loaded: GatewayConfig, source: string | undefined): Promise<Gateway> {
    const stops: Stop[] = [];
    try {
      return new Gateway(await startParts(settings, loaded, source, stops), stops);
    } catch (error) {
      await stopAll(stops);
      throw error;
    }
  }

  async stop(): Promise<void> {
    await stopAll(this.stops);
  }
}

async function startParts(
  settings: Settings,
  loaded: GatewayConfig,
  source: string | undefined,
  stops: Stop[],
): Promise<string> {
  const logger = createLogger({ level: settings.LOG_LEVEL, name: 'switchboard' });
  const metrics = createMetrics();
  const lock = await lockDataDir(settings.DATA_DIR);
  stops.push(() => lock.release());

  const database = await openDatabase({ dataDir: settings.DATA_DIR, databaseUrl: settings.DATABASE_URL, log: logger });
  stops.push(() => database.stop());
  await migrate({ url: database.url, log: logger });

  const { config, demoKey, simulated } = await completeConfig(settings, loaded, stops);
  const adminToken = settings.ADMIN_TOKEN ?? randomBytes(24).toString('base64url');
  const edge = {
    brand: config.brand,
    maxBodyBytes: settings.MAX_BODY_BYTES,
    keepaliveMs: settings.KEEPALIVE_MS,
    drainMs: settings.DRAIN_MS,
    trustedProxies: settings.TRUSTED_PROXIES,
  };
  const parts = { config, edge, databaseUrl: database.url, adminToken, logger, metrics };
  const app = await NestFactory.create<NestFastifyApplication>(StandaloneModule.forRoot(parts), new FastifyAdapter(), {
    logger: nestLogger(logger),
    abortOnError: false,
  });
  stops.push(() => app.close());

  await app.listen(settings.ADMIN_PORT, settings.ADMIN_HOST);
  const publicPort = await app.get(PublicServer).listen(settings.PORT, settings.HOST);
  const publicUrl = listeningUrl(settings.HOST, publicPort);
  const adminUrl = await app.getUrl();
  writeState(settings.DATA_DIR, { pid: process.pid, publicUrl, adminUrl, adminToken }, stops);
  return banner({
    publicUrl,
    adminUrl,
    demoKey: demoKey?.plaintext,
    upstreams: simulated ? SIMULATED_UPSTREAM : config.providers.map(({ id }) => id).join(', '),
    model: bannerModel(config),
    configSource: source,
    closing: ['Usage so far:  npm run usage            Stop:  Ctrl-C'],
  });
}

/** Adds what a first run lacks: an upstream, a key. */
async function completeConfig(
  settings: Settings,
  loaded: GatewayConfig,
  stops: Stop[],
): Promise<{ config: GatewayConfig; demoKey: DemoKey | undefined; simulated: boolean }> {
  const lacksKeys = loaded.tenants.every(({ keys }) => keys.length === 0);
  const demoKey = lacksKeys ? provideDemoKey(settings.DATA_DIR, loaded.brand.keyPrefix) : undefined;
  const withKey = demoKey === undefined ? loaded : withDemoTenant(loaded, demoKey.hash);
  if (loaded.providers.length > 0) return { config: withKey, demoKey, simulated: false };
  const simulator = await startSimulator({ port: 0, host: '127.0.0.1' });
  stops.push(() => simulator.close());
  return { config: withSimulator(withKey, { simulatorUrl: simulator.url }), demoKey, simulated: true };
}

function writeState(dataDir: string, state: object, stops: Stop[]): void {
  const file = path.join(dataDir, STATE_FILE);
  writeFileSync(file, JSON.stringify(state), { mode: 0o600 });
  stops.push(() => {
    rmSync(file, { force: true });
    return Promise.resolve();
  });
}

async function stopAll(stops: readonly Stop[]): Promise<void> {
  for (const stop of [...stops].reverse()) await stop();
}
