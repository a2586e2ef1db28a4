import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { lockDataDir } from '../lifecycle/data-dir-lock';
import { freePort } from '../lifecycle/free-port';
import type { Logger } from '../logging/logger';
import type { ServerProgram } from './find-server';
import { greets } from './greeting';
import { forgetServer, noteServer, stopLeftoverServer } from './leftover-server';

/** A server of this machine that runs for this process alone. */
export interface LocalServer {
  name: string;
  url: string;
  port: number;
  pid: number;
  /** Resolves when it has ended; SIGTERM by default, which lets it write what it holds. Idempotent. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Resolves, with how, when it has ended for whatever reason: `SIGKILL`, `status 1`. */
  ended: Promise<string>;
}

export interface LocalServerOptions {
  /** Below it: the data. Another start on the same folder finds it again. */
  folder: string;
  /** Absent: a free one. */
  port?: number;
  log: Logger;
}

/** What one kind of server needs to be told. */
export interface LaunchPlan {
  name: string;
  scheme: string;
  program: ServerProgram;
  folder: string;
  /** The command line for this port. */
  args(port: number): string[];
  /** Sent at once after connecting, absent where the server speaks first, and what it then begins with. */
  greeting: { say?: string; hear: string };
  /** In its last words when another program has the port. */
  portTaken: RegExp;
}

const START_TIMEOUT_MS = 30_000;
const PORT_ATTEMPTS = 5;
const STOP_PATIENCE_MS = 10_000;

class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
}

/**
 * Starts it, alone on its folder: what a killed process left running there is stopped first.
 *
 * @throws DataDirInUseError when a living process runs one there; Error with its last words when it does not start, or
 * when the given port is taken.
 */
export async function launchServer(plan: LaunchPlan, { port, log }: LocalServerOptions): Promise<LocalServer> {
  const lock = await lockDataDir(plan.folder);
  try {
    await stopLeftoverServer(plan.folder, plan.name, log);
    const { stop, ...server } = port === undefined ? await launchOnFreePort(plan, log) : await launch(plan, port, log);
    const ended = server.ended.finally(async () => {
      await forgetServer(plan.folder);
      await lock.release();
    });
    return { ...server, ended, stop: (signal) => stop(signal).then(async () => void (await ended)) };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function launchOnFreePort(plan: LaunchPlan, log: Logger): Promise<LocalServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await launch(plan, await freePort(), log);
    } catch (error) {
      // Another program may take the port between our look and the server's.
      if (!(error instanceof PortTakenError) || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function launch(plan: LaunchPlan, port: number, log: Logger): Promise<LocalServer> {
  // Whoever has the port would also answer in our server's place.
  if (!(await isFree(port))) throw new PortTakenError(`port ${port} is taken: ${plan.name} cannot have it`);
  const child = spawn(plan.program.path, plan.args(port), {
    cwd: plan.folder,
    env: { PATH: process.env.PATH, ...plan.program.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its own process group: Ctrl-C in a terminal is for us, who may still need it.
    detached: true,
  });
  const ended = endOf(child);
  const lastLines = follow(child, plan.name, log);
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw new Error(`${plan.name} could not be run: ${plan.program.path}`, { cause: error });
  }
  const pid = child.pid as number;
  await noteServer(plan.folder, pid);
  // An exit handler cannot wait, but it can signal.
  const onExit = (): void => void (isRunning(child) && child.kill('SIGTERM'));
  process.on('exit', onExit);
  void ended.then(() => process.off('exit', onExit));
  const server = {
    name: plan.name,
    url: `${plan.scheme}://127.0.0.1:${port}`,
    port,
    pid,
    ended,
    stop: (signal: NodeJS.Signals = 'SIGTERM') => stop(child, ended, signal),
  };
  const failure = await Promise.race([ended.then((how) => `it ended with ${how}`), ready(plan, port, child)]);
  if (failure === undefined) {
    log.debug({ folder: plan.folder, port, pid }, `${plan.name} is ready`);
    return server;
  }
  await server.stop('SIGKILL');
  const words = lastLines.join(' | ');
  if (plan.portTaken.test(words)) throw new PortTakenError(`port ${port} is taken: ${plan.name} cannot have it`);
  throw new Error(`${plan.name} did not start: ${failure}. Its last words: ${words || 'none'}`);
}

/** Undefined when it answers; else what was wrong. */
async function ready(plan: LaunchPlan, port: number, child: ChildProcess): Promise<string | undefined> {
  const endsAtMs = performance.now() + START_TIMEOUT_MS;
  while (isRunning(child)) {
    if (await greets(port, plan.greeting)) {
      // It may be another that took the port meanwhile: then ours is about to end.
      await delay(20);
      if (isRunning(child)) return undefined;
    }
    if (performance.now() > endsAtMs) return `it did not answer within ${START_TIMEOUT_MS} ms`;
    await delay(20);
  }
  return 'it ended';
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** With all its output read. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? `status ${code}`));
  });
}

/** Passes the server's log on, and keeps the end of it. */
function follow(child: ChildProcess, name: string, log: Logger): string[] {
  const last: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    if (input === null) continue;
    createInterface({ input }).on('line', (line) => {
      last.push(line);
      if (last.length > 10) last.shift();
      log.debug({ [name]: line }, name);
    });
  }
  return last;
}

async function stop(child: ChildProcess, ended: Promise<string>, signal: NodeJS.Signals): Promise<void> {
  if (!isRunning(child)) return void (await ended);
  child.kill(signal);
  const patience = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS);
  await ended;
  clearTimeout(patience);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}
