import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger, freePort, startEmbeddedPostgres, startNats, startRedis } from '@switchboard/platform';
import type { GatewayOptions, RunningGateway } from '../gateway';
import { startContainer, type ContainerOptions, type Mount, type RunningContainer } from './container';

const SERVICES = ['router', 'rate-limit', 'metering', 'admin-api', 'edge-api'] as const;
type Service = (typeof SERVICES)[number];

const CONFIG = '/etc/switchboard/gateway.yaml';
const SPOOL = '/var/lib/switchboard/spool';
const START_LIMIT_MS = 180_000;

/** The five services of the image, each in a container of its own, on servers of this machine. */
export interface RunningContainers extends RunningGateway {
  databaseUrl: string;
  container(service: Service): RunningContainer;
  /** Runs a program of the image to its end. */
  runToEnd(script: string): Promise<{ code: number | string; output: string }>;
}

type Stop = () => Promise<unknown>;

interface Servers {
  databaseUrl: string;
  natsUrl: string;
  redisUrl: string;
}

interface Ports {
  publicPort: number;
  admin: Record<Service, number>;
}

/** Migrates the database by the image's own entry, then starts every service; resolves when all are ready. */
export async function startContainers(options: GatewayOptions): Promise<RunningContainers> {
  const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-images-'));
  // Postgres, and the user of the image, are others than the one who runs this.
  chmodSync(folder, 0o711);
  const stops: Stop[] = [async () => rmSync(folder, { recursive: true, force: true })];
  const stopAll = async (): Promise<void> => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  try {
    return await startAll(options, folder, stops, stopAll);
  } catch (error) {
    await stopAll();
    throw error;
  }
}

async function startAll(
  options: GatewayOptions,
  folder: string,
  stops: Stop[],
  stopAll: () => Promise<void>,
): Promise<RunningContainers> {
  const servers = await startServers(folder, stops);
  const ports = await choosePorts();
  const run = randomBytes(4).toString('hex');
  const adminToken = 'e2e-admin-token';
  const plan = planOf({ options, folder, servers, ports, adminToken });
  const start = (name: string, more: Omit<ContainerOptions, 'name'>): RunningContainer => {
    const container = startContainer({ name: `switchboard-${run}-${name}`, ...more });
    stops.push(() => container.stop());
    return container;
  };
  let programs = 0;
  const runToEnd = async (script: string): Promise<{ code: number | string; output: string }> => {
    const container = start(`program-${++programs}`, { script, env: { DATABASE_URL: servers.databaseUrl } });
    return { code: await container.ended, output: container.output() };
  };
  const migrated = await runToEnd('apps/admin-api/dist/migrate.js');
  if (migrated.code !== 0) throw new Error(`the migrations ended with ${migrated.code}:\n${migrated.output}`);
  const containers = Object.fromEntries(SERVICES.map((name) => [name, start(name, plan(name))])) as Record<
    Service,
    RunningContainer
  >;
  await Promise.all(SERVICES.map((name) => untilReady(containers[name], ports.admin[name])));
  return {
    url: `http://127.0.0.1:${ports.publicPort}`,
    adminUrl: `http://127.0.0.1:${ports.admin['admin-api']}`,
    ...{ adminToken, dataDir: folder, pid: -1, databaseUrl: servers.databaseUrl, runToEnd },
    output: () => SERVICES.map((name) => containers[name].output()).join('\n'),
    container: (service) => containers[service],
    stop: async () => {
      await stopAll();
      return 0;
    },
  };
}

async function startServers(folder: string, stops: Stop[]): Promise<Servers> {
  const log = createLogger({ level: 'silent', name: 'images' });
  const place = { folder, log };
  const postgres = await startEmbeddedPostgres({ dataDir: folder, log });
  stops.push(() => postgres.stop());
  const nats = await startNats(place);
  stops.push(() => nats.stop());
  const redis = await startRedis(place);
  stops.push(() => redis.stop());
  return { databaseUrl: postgres.url, natsUrl: nats.url, redisUrl: redis.url };
}

async function choosePorts(): Promise<Ports> {
  const admin: Partial<Record<Service, number>> = {};
  for (const name of SERVICES) admin[name] = await freePort();
  return { publicPort: await freePort(), admin: admin as Record<Service, number> };
}

/** What each service is started with: what its table in docs/operations.md says it needs, and no more. */
function planOf(given: {
  options: GatewayOptions;
  folder: string;
  servers: Servers;
  ports: Ports;
  adminToken: string;
}): (name: Service) => Omit<ContainerOptions, 'name'> {
  const { options, folder, servers, ports } = given;
  const config = path.join(folder, 'gateway.yaml');
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(options.config ?? {}));
  const spool = path.join(folder, 'spool');
  mkdirSync(spool);
  chmodSync(spool, 0o777);
  const ring = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;
  const [kek, pepper] = [ring('k1'), ring('p1')];
  const { databaseUrl: DATABASE_URL, redisUrl: REDIS_URL, natsUrl: NATS_URL } = servers;
  const own: Record<Service, Record<string, string>> = {
    router: {},
    'rate-limit': { REDIS_URL, REDIS_TIMEOUT_MS: '500' },
    metering: { DATABASE_URL, REDIS_URL, KEK: kek },
    'admin-api': {
      ...{ DATABASE_URL, KEK: kek, KEY_PEPPER: pepper, ADMIN_TOKEN: given.adminToken, GATEWAY_CONFIG: CONFIG },
      ...{ PORT: String(ports.publicPort), ...options.env },
    },
    'edge-api': {
      ...{ KEK: kek, KEY_PEPPER: pepper, HOST: '127.0.0.1', PORT: String(ports.publicPort), DRAIN_GRACE_MS: '500' },
      ...options.env,
    },
  };
  const mounts: Partial<Record<Service, Mount[]>> = {
    'admin-api': [{ from: config, to: CONFIG, readOnly: true }],
    'edge-api': [{ from: spool, to: SPOOL }],
  };
  return (name) => ({
    script: `apps/${name}/dist/main.js`,
    env: {
      ...{ NATS_URL, ADMIN_HOST: '127.0.0.1', ADMIN_PORT: String(ports.admin[name]), INSTANCE: name },
      ...own[name],
    },
    mounts: mounts[name] ?? [],
  });
}

async function untilReady(container: RunningContainer, adminPort: number): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  let ended: number | string | undefined;
  void container.ended.then((code) => (ended = code));
  for (;;) {
    if (ended !== undefined) throw new Error(`${container.name} ended with ${ended}:\n${container.output()}`);
    const status = await fetch(`http://127.0.0.1:${adminPort}/readyz`).then(
      (reply) => reply.status,
      () => 0,
    );
    if (status === 200) return;
    if (Date.now() > deadline) throw new Error(`${container.name} did not get ready:\n${container.output()}`);
    await delay(100);
  }
}
