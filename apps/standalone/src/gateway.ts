import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  banner,
  createLogger,
  type GatewayConfig,
  type LoadedConfig,
  lockDataDir,
  migrate,
  openDatabase,
  planFirstRun,
  withFirstRun,
} from '@switchboard/platform';
import { startSimulator } from '@switchboard/simulator';
import type { Settings } from './settings';

/** What `npm run usage` and scripts find a running gateway by. */
const STATE_FILE = 'standalone.json';
/** By then Postgres has been spawned, and needs this process no more for a while. */
const POSTGRES_HEAD_START_MS = 30;

export interface GatewayOptions {
  env: NodeJS.ProcessEnv;
  cwd: string;
  settings: Settings;
  /** The configuration as it was when the process started. */
  loaded: LoadedConfig & { ok: true };
  /** Its warnings, which the operator has seen. */
  told: readonly string[];
}

type Stop = () => Promise<unknown>;

/** The whole gateway in this process. Parts start in order and stop in the opposite one. */
export class Gateway {
  private constructor(
    readonly banner: string,
    private readonly stops: readonly Stop[],
  ) {}

  static async start(options: GatewayOptions): Promise<Gateway> {
    const stops: Stop[] = [];
    try {
      return new Gateway(await startParts(options, stops), stops);
    } catch (error) {
      await stopAll(stops);
      throw error;
    }
  }

  async stop(): Promise<void> {
    await stopAll(this.stops);
  }
}

async function startParts({ env, cwd, settings, loaded, told }: GatewayOptions, stops: Stop[]): Promise<string> {
  const { DATA_DIR: dataDir } = settings;
  const logger = createLogger({ level: settings.LOG_LEVEL, name: 'switchboard' });
  const lock = await lockDataDir(dataDir);
  stops.push(() => lock.release());

  // Loaded while Postgres starts: the first answer comes sooner by as much.
  const loading = delay(POSTGRES_HEAD_START_MS).then(() => import('./application.js'));
  const database = await openDatabase({ dataDir, databaseUrl: settings.DATABASE_URL, log: logger });
  stops.push(() => database.stop());
  // The first start needs the database; whoever cannot reach it is told so at once.
  await migrate({ url: database.url, log: logger });

  const firstRun = planFirstRun(loaded.config, dataDir);
  // What was lacking at the start is added to every later reading of the file that lacks it too.
  const additions = {
    simulatorUrl: firstRun.needsSimulator ? await launchSimulator(stops) : undefined,
    demoKeyHash: firstRun.demoKey?.hash,
  };
  const adminToken = settings.ADMIN_TOKEN ?? randomBytes(24).toString('base64url');
  const config = { env, cwd, told, declare: (read: GatewayConfig) => withFirstRun(read, additions) };
  const { startApplication } = await loading;
  const { publicUrl, adminUrl } = await startApplication(
    { settings, databaseUrl: database.url, adminToken, config, logger },
    stops,
  );
  const stateFile = writeState(dataDir, { pid: process.pid, publicUrl, adminUrl, adminToken }, stops);
  return banner({
    ...{ publicUrl, adminUrl, demoKey: firstRun.demoKey?.plaintext, configSource: loaded.source },
    ...{ upstreams: firstRun.upstreams, model: firstRun.model },
    closing: [
      `Admin API:  ${adminUrl}/api/v1            Its token:  adminToken in ${stateFile}`,
      'Usage so far:  npm run usage            Stop:  Ctrl-C',
    ],
  });
}

async function launchSimulator(stops: Stop[]): Promise<string> {
  const simulator = await startSimulator({ port: 0, host: '127.0.0.1' });
  stops.push(() => simulator.close());
  return simulator.url;
}

function writeState(dataDir: string, state: object, stops: Stop[]): string {
  const file = path.join(dataDir, STATE_FILE);
  writeFileSync(file, JSON.stringify(state), { mode: 0o600 });
  stops.push(() => {
    rmSync(file, { force: true });
    return Promise.resolve();
  });
  return file;
}

async function stopAll(stops: readonly Stop[]): Promise<void> {
  for (const stop of [...stops].reverse()) await stop();
}
