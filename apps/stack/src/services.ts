import path from 'node:path';
import { freePort, provideSecretRing, type Logger } from '@switchboard/platform';
import type { ProcessLogs } from './process-log';
import { ReplicaSet } from './replica-set';
import { ServiceProcess, type LaunchPlan } from './service-process';
import type { Settings } from './settings';
import { labelOf, SERVICES, SIMULATOR, type Replicas, type ServiceName } from './topology';

/** `apps`, from `apps/stack/src` and `apps/stack/dist` alike. */
const APPS = path.join(__dirname, '../..');
const LOOPBACK = '127.0.0.1';

/** What the services are given; what is a function is known only once the servers run. */
export interface Surroundings {
  env: NodeJS.ProcessEnv;
  settings: Settings;
  adminToken: string;
  demoKeyHash: string | undefined;
  natsUrl: () => string;
  redisUrl: () => string;
  databaseUrl: () => string;
  simulatorUrl: string | undefined;
  /** Of the front, for admin-api to tell an upstream that is the gateway itself. */
  publicPort: number;
}

export interface ServiceTools {
  logs: ProcessLogs;
  log: Logger;
  changed: () => void;
}

/** A replica set per service, none started. Makes the secrets they share, on the first run. */
export function createServices(
  replicas: Replicas,
  surroundings: Surroundings,
  tools: ServiceTools,
): Record<ServiceName, ReplicaSet> {
  const secrets = provideSecrets(surroundings.settings.DATA_DIR);
  const setOf = (name: ServiceName): ReplicaSet => {
    let launches = 0;
    return new ReplicaSet({
      name,
      kind: 'service',
      replicas: replicas[name],
      log: tools.log,
      changed: tools.changed,
      launch: async (replica) => {
        const label = labelOf(name, replica, replicas[name]);
        const ports = { port: await freePort(), adminPort: await freePort() };
        const env = {
          ...commonEnvironment(surroundings),
          ...secrets,
          ...ownEnvironment(name, surroundings, ports.port),
          ADMIN_PORT: String(ports.adminPort),
          // Unique per process: while one replaces another both tell of themselves.
          INSTANCE: `${labelOf(name, replica, 0)}-${++launches}`,
        };
        const plan = { name, replica, script: scriptOf(name), env, logDescriptor: tools.logs.open(label) };
        return new ServiceProcess({ ...plan, ...addressesOf(name, ports) }, tools.changed);
      },
    });
  };
  return Object.fromEntries(SERVICES.map((name) => [name, setOf(name)])) as Record<ServiceName, ReplicaSet>;
}

/** The fake upstream; it comes back at one address, for that is in the catalog. */
export function createSimulator(env: NodeJS.ProcessEnv, url: string, tools: ServiceTools): ReplicaSet {
  const { port } = new URL(url);
  return new ReplicaSet({
    name: SIMULATOR,
    kind: 'simulator',
    replicas: 1,
    log: tools.log,
    changed: tools.changed,
    launch: (replica) => {
      const plan: LaunchPlan = {
        name: SIMULATOR,
        replica,
        script: scriptOf(SIMULATOR),
        env: { ...env, PORT: port, HOST: LOOPBACK },
        logDescriptor: tools.logs.open(SIMULATOR, { plain: true }),
        port: Number(port),
        url,
        readinessUrl: `${url}/healthz`,
      };
      return Promise.resolve(new ServiceProcess(plan, tools.changed));
    },
  });
}

function scriptOf(app: string): string {
  return path.join(APPS, app, 'dist', 'main.js');
}

function provideSecrets(dataDir: string): Record<string, string> {
  const files = { KEK_FILE: path.join(dataDir, 'kek'), KEY_PEPPER_FILE: path.join(dataDir, 'key-pepper') };
  for (const file of Object.values(files)) provideSecretRing(file);
  return files;
}

function addressesOf(
  name: ServiceName,
  { port, adminPort }: { port: number; adminPort: number },
): Pick<LaunchPlan, 'port' | 'url' | 'adminUrl' | 'readinessUrl'> {
  const adminUrl = `http://${LOOPBACK}:${adminPort}`;
  const readinessUrl = `${adminUrl}/readyz`;
  if (name !== 'edge-api') return { port: adminPort, url: adminUrl, readinessUrl };
  return { port, url: `http://${LOOPBACK}:${port}`, adminUrl, readinessUrl };
}

/** All of the stack's own environment, for settings of services that the stack knows nothing of, but what it decides. */
function commonEnvironment({ env, settings, natsUrl }: Surroundings): NodeJS.ProcessEnv {
  return {
    ...env,
    // The rings are the stack's own, in files.
    KEK: undefined,
    KEY_PEPPER: undefined,
    LOG_LEVEL: settings.LOG_LEVEL,
    HOST: LOOPBACK,
    ADMIN_HOST: LOOPBACK,
    PORT: undefined,
    NATS_URL: natsUrl(),
    REDIS_URL: undefined,
    DATABASE_URL: undefined,
    ADMIN_TOKEN: undefined,
  };
}

function ownEnvironment(name: ServiceName, surroundings: Surroundings, port: number): NodeJS.ProcessEnv {
  const { env, settings, adminToken, demoKeyHash } = surroundings;
  switch (name) {
    case 'edge-api':
      return {
        PORT: String(port),
        DRAIN_MS: String(settings.DRAIN_MS),
        DRAIN_GRACE_MS: String(settings.DRAIN_GRACE_MS),
        // One for all: what an edge that dies leaves there, another one or its successor takes up.
        SPOOL_DIR: path.join(settings.DATA_DIR, 'spool'),
      };
    case 'rate-limit':
      // A dozen processes share this machine's cores: none may be taken for dead because it had to wait for one.
      return { REDIS_URL: surroundings.redisUrl(), REDIS_TIMEOUT_MS: env.REDIS_TIMEOUT_MS ?? '500' };
    case 'metering':
      return { DATABASE_URL: surroundings.databaseUrl(), REDIS_URL: surroundings.redisUrl() };
    case 'admin-api':
      return {
        PORT: String(surroundings.publicPort),
        DRAIN_GRACE_MS: String(settings.DRAIN_GRACE_MS),
        DATABASE_URL: surroundings.databaseUrl(),
        ADMIN_TOKEN: adminToken,
        SIMULATOR_URL: surroundings.simulatorUrl,
        DEMO_KEY_HASH: demoKeyHash,
      };
    case 'router':
      return {};
  }
}
