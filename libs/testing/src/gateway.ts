import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@switchboard/platform';
import { exitOf, outputOf, runToEnd, withoutProviderKeys } from './gateway-process';

const ROOT = path.resolve(__dirname, '../../..');
const MAIN = path.join(ROOT, 'apps/standalone/dist/main.js');
const START_LIMIT_MS = 60_000;

export interface GatewayOptions {
  /** The contents of gateway.yaml; absent: a first run without a file. */
  config?: Record<string, unknown>;
  env?: Record<string, string>;
  /** Kept by the caller; absent: a new one, removed at the end. */
  dataDir?: string;
}

export interface RunningGateway {
  url: string;
  adminUrl: string;
  adminToken: string;
  dataDir: string;
  pid: number;
  /** Everything printed so far, both streams. */
  output(): string;
  /** Resolves with the exit code, or the signal's name. */
  stop(signal?: NodeJS.Signals): Promise<number | string>;
}

/** The built standalone gateway as its own process, on free ports and a private data folder, ready to answer. */
export async function startGateway(options: GatewayOptions = {}): Promise<RunningGateway> {
  const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-e2e-'));
  // Run as root, Postgres is another user, who has to get through.
  chmodSync(folder, 0o711);
  const dataDir = options.dataDir ?? path.join(folder, 'data');
  const [port, adminPort] = [await freePort(), await freePort()];
  const adminToken = 'e2e-admin-token';
  const env: NodeJS.ProcessEnv = {
    ...withoutProviderKeys(process.env),
    PORT: String(port),
    ADMIN_PORT: String(adminPort),
    ADMIN_TOKEN: adminToken,
    DATA_DIR: dataDir,
    ...options.env,
  };
  if (options.config !== undefined) {
    env.GATEWAY_CONFIG = path.join(folder, 'gateway.yaml');
    // JSON is YAML.
    writeFileSync(env.GATEWAY_CONFIG, JSON.stringify(options.config, undefined, 2));
  }
  const child = spawn(process.execPath, [MAIN], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = outputOf(child);
  const exited = exitOf(child);

  const url = `http://127.0.0.1:${port}`;
  try {
    await Promise.race([
      untilAnswers(`${url}/api/hello`),
      exited.then((code) => Promise.reject(new Error(`the gateway ended with ${code}:\n${output()}`))),
    ]);
  } catch (error) {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    url,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    adminToken,
    dataDir,
    pid: child.pid ?? -1,
    output,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      const code = await exited;
      rmSync(folder, { recursive: true, force: true });
      return code;
    },
  };
}

async function untilAnswers(url: string): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    try {
      if ((await fetch(url)).ok) return;
    } catch (error) {
      // Not listening yet.
      if (Date.now() > deadline) throw new Error('the gateway did not come up in time', { cause: error });
    }
    await delay(50);
  }
}

/** Runs the built standalone gateway to its end: for what it says when it cannot start. */
export const runGateway = (env: Record<string, string>, args: string[] = []) => runToEnd(MAIN, env, args);
