import { spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { exitOf, outputOf, withoutProviderKeys } from './gateway-process';

export interface LogLine {
  level: string;
  text: string;
  adminUrl: string | undefined;
}

/** One service of the distributed form, as a process of its own. */
export interface RunningService {
  /** Of its private port. */
  adminUrl: string;
  /** What it has logged so far, parsed. */
  log(): LogLine[];
  /** How it ended: its exit code, or the signal's name. */
  stop(signal?: NodeJS.Signals): Promise<number | string>;
}

const START_LIMIT_MS = 30_000;

/**
 * Starts a built service in `folder` on ports that are free. Resolves as soon as its private port listens, which it does
 * before anything else.
 */
export async function startService(name: string, folder: string, env: NodeJS.ProcessEnv): Promise<RunningService> {
  const main = path.resolve(__dirname, '../../../apps', name, 'dist/main.js');
  const child = spawn(process.execPath, [main], {
    cwd: folder,
    env: {
      ...withoutProviderKeys(process.env),
      ...{ PORT: '0', HOST: '127.0.0.1', ADMIN_PORT: '0', ADMIN_HOST: '127.0.0.1' },
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = outputOf(child);
  const exited = exitOf(child);
  const log = (): LogLine[] => output().split('\n').flatMap(parsed);
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const adminUrl = log().find(({ text }) => text === 'starting')?.adminUrl;
    const stop = (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> => {
      child.kill(signal);
      return exited;
    };
    if (adminUrl !== undefined) return { adminUrl, log, stop };
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`${name} did not start:\n${output()}`);
    }
    await delay(25);
  }
}

function parsed(line: string): LogLine[] {
  if (!line.startsWith('{') || !line.endsWith('}')) return [];
  const entry = JSON.parse(line) as Record<string, string>;
  return [{ level: entry['level'] ?? '', text: entry['msg'] ?? '', adminUrl: entry['adminUrl'] }];
}
