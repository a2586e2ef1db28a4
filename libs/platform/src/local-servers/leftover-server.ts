import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processStart } from '../lifecycle/process-identity';
import type { Logger } from '../logging/logger';

const FILE = 'server.json';
const SIGNALS = [
  { signal: 'SIGTERM', patienceMs: 10_000 },
  { signal: 'SIGKILL', patienceMs: 5_000 },
] as const;

interface Identity {
  pid: number;
  start: string;
}

/** Notes which process works on `folder`, for who finds it there after we were killed. */
export async function noteServer(folder: string, pid: number): Promise<void> {
  const start = await processStart(pid);
  // It has ended already: nothing to find.
  if (start !== undefined) await writeFile(path.join(folder, FILE), JSON.stringify({ pid, start }), { mode: 0o600 });
}

export async function forgetServer(folder: string): Promise<void> {
  await rm(path.join(folder, FILE), { force: true });
}

/**
 * Stops the server that a killed process left running on `folder`. Only for a caller that holds the folder's lock:
 * otherwise the server may be somebody's.
 *
 * @throws Error when it does not end.
 */
export async function stopLeftoverServer(folder: string, name: string, log: Logger): Promise<void> {
  const left = await readIdentity(folder);
  if (left === undefined || !(await lives(left))) return;
  log.warn({ pid: left.pid, folder }, `stopping the ${name} that an earlier process left running`);
  for (const { signal, patienceMs } of SIGNALS) {
    const endsAtMs = performance.now() + patienceMs;
    if (await lives(left)) process.kill(left.pid, signal);
    while (performance.now() < endsAtMs) {
      if (!(await lives(left))) return;
      await delay(20);
    }
  }
  throw new Error(`${name} (process ${left.pid}) still runs on ${folder} and does not end: stop it by hand.`);
}

async function lives({ pid, start }: Identity): Promise<boolean> {
  return (await processStart(pid)) === start;
}

async function readIdentity(folder: string): Promise<Identity | undefined> {
  let content: string;
  try {
    content = await readFile(path.join(folder, FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  // Half written by a process that was killed over it: it says nothing.
  const [, pid, start] = /^\{"pid":(\d+),"start":"([^"]+)"\}$/.exec(content) ?? [];
  return pid === undefined || start === undefined ? undefined : { pid: Number(pid), start };
}
