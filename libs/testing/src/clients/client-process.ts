import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { exitOf } from '../gateway-process';

export interface ClientProcess {
  program: string;
  args: readonly string[];
  /** Home, configuration and working folder at once: nothing of the machine's owner is read or changed. */
  folder: string;
  /** Beside what every client gets. */
  env?: NodeJS.ProcessEnv;
  /** On its standard input; without it there is none. */
  input?: string;
  limitMs?: number;
}

export interface ClientOutcome {
  /** Exit code, or the signal's name. */
  code: number | string;
  stdout: string;
  stderr: string;
  /** It was killed because it did not end. */
  timedOut: boolean;
}

const LIMIT_MS = 90_000;
/** Nobody listens there: what a client wants from elsewhere fails at once instead of leaving the machine. */
const NOWHERE = 'http://127.0.0.1:9';

/** Runs a client to its end, or kills it and all it started. Rejects where it cannot be started. */
export async function runClientProcess(call: ClientProcess): Promise<ClientOutcome> {
  mkdirSync(call.folder, { recursive: true });
  const child = spawn(call.program, call.args, {
    cwd: call.folder,
    env: { ...cleanEnvironment(call.folder), ...call.env },
    stdio: [call.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const outcome: ClientOutcome = { code: 'unknown', stdout: '', stderr: '', timedOut: false };
  child.stdin?.end(call.input);
  child.stdout?.on('data', (text: Buffer) => (outcome.stdout += text.toString()));
  child.stderr?.on('data', (text: Buffer) => (outcome.stderr += text.toString()));
  const timer = setTimeout(() => {
    outcome.timedOut = true;
    endGroup(child.pid);
  }, call.limitMs ?? LIMIT_MS);
  try {
    const failed = new Promise<never>((_resolve, reject) => child.once('error', reject));
    outcome.code = await Promise.race([exitOf(child), failed]);
    return outcome;
  } finally {
    clearTimeout(timer);
    // What it left running would talk into the next scenario.
    endGroup(child.pid);
  }
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function cleanEnvironment(folder: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: folder,
    TMPDIR: folder,
    XDG_CONFIG_HOME: path.join(folder, '.config'),
    XDG_DATA_HOME: path.join(folder, '.local/share'),
    XDG_CACHE_HOME: path.join(folder, '.cache'),
    XDG_STATE_HOME: path.join(folder, '.local/state'),
    HTTP_PROXY: NOWHERE,
    HTTPS_PROXY: NOWHERE,
    NO_PROXY: '127.0.0.1,localhost',
  };
}
