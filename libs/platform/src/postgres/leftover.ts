import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processCommand } from '../lifecycle/process-identity';
import type { Logger } from '../logging/logger';

/** Gentle to forceful: end sessions and write a checkpoint; leave at once and recover from the log; the last resort. */
export const STOP_SIGNALS = [
  { signal: 'SIGINT', patienceMs: 15_000 },
  { signal: 'SIGQUIT', patienceMs: 5_000 },
  { signal: 'SIGKILL', patienceMs: 5_000 },
] as const;

/**
 * Stops the server that a killed gateway left running on this cluster. A pid file whose pid now belongs to something
 * else is removed, for Postgres would take that process for a server and refuse to start.
 * Only for a caller that holds the lock of the cluster's folder: otherwise the server may be somebody's.
 */
export async function stopLeftover(cluster: string, log: Logger): Promise<void> {
  const pidFile = path.join(cluster, 'postmaster.pid');
  const pid = await readPid(pidFile);
  if (pid === undefined) return;
  const command = await processCommand(pid);
  // Postgres itself recovers from the pid file of a dead server, and reads in it whether sessions of it still live.
  if (command === undefined) return;
  if (!isServer(command, cluster)) {
    log.info({ pid, pidFile }, 'removing a pid file whose pid belongs to another program now');
    await rm(pidFile, { force: true });
    return;
  }
  log.warn({ pid, cluster }, 'stopping the Postgres that an earlier gateway left running');
  for (const { signal, patienceMs } of STOP_SIGNALS) {
    if (!signalled(pid, signal) || (await ended(pid, cluster, patienceMs))) return;
  }
  throw new Error(`Postgres (process ${pid}) still runs on ${cluster} and does not end: stop it by hand.`);
}

async function readPid(pidFile: string): Promise<number | undefined> {
  try {
    const pid = Number.parseInt(await readFile(pidFile, 'utf8'), 10);
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function isServer(command: string, cluster: string): boolean {
  return command.includes(`postgres -D ${cluster} `);
}

/** False when the process ended meanwhile. */
function signalled(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

async function ended(pid: number, cluster: string, patienceMs: number): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline) {
    const command = await processCommand(pid);
    if (command === undefined || !isServer(command, cluster)) return true;
    await delay(20);
  }
  return false;
}
