import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { processStart } from './process-identity';

/** An exclusive hold on a folder, by one process of this machine. */
export interface DataDirLock {
  /** Lets the next process in. Harmless when called again. */
  release(): Promise<void>;
}

interface Holder {
  pid: number;
  start: string;
  nonce: string;
}

/** Another living process holds the folder. The message says which, where, and what to do. */
export class DataDirInUseError extends Error {
  override readonly name = 'DataDirInUseError';

  constructor(
    readonly dir: string,
    readonly pid: number,
  ) {
    super(
      `The data folder ${dir} is in use by process ${pid}. ` +
        `Stop that process, or start this one with another folder (DATA_DIR) and other ports (PORT, ADMIN_PORT).`,
    );
  }
}

/**
 * Holds `dir` (created if absent) for this process until `release`. A lock whose process is dead, or whose pid now
 * belongs to another process, is taken over. The lock is one of processes on one machine: a folder on a network
 * file system shared by two machines is not protected.
 *
 * @throws DataDirInUseError when a living process, this one included, holds it.
 */
export async function lockDataDir(dir: string): Promise<DataDirLock> {
  // Others may pass through: Postgres runs as another user when the gateway runs as root, in a folder of its own below.
  await mkdir(dir, { recursive: true, mode: 0o711 });
  const folder = await realpath(dir);
  const start = await processStart(process.pid);
  if (start === undefined) throw new Error(`cannot tell when process ${process.pid} (this one) started`);
  return acquire(folder, path.join(folder, 'gateway.lock'), start);
}

async function acquire(folder: string, file: string, start: string): Promise<DataDirLock> {
  const own: Holder = { pid: process.pid, start, nonce: randomUUID() };
  // Written whole under another name first: whoever sees the lock sees all of it.
  const draft = `${file}.${own.nonce}`;
  await writeFile(draft, JSON.stringify(own), { mode: 0o600, flush: true });
  try {
    while (!(await linked(draft, file))) {
      const holder = await readHolder(file);
      if (holder === undefined) continue;
      if ((await processStart(holder.pid)) === holder.start) throw new DataDirInUseError(folder, holder.pid);
      if (await replaced(folder, file, holder, draft, start)) break;
    }
  } finally {
    await rm(draft, { force: true });
  }
  return { release: () => release(file, own) };
}

/**
 * Takes over a dead holder's lock. Only who holds the lock on that very holder's succession may replace it, so two
 * processes that find the same stale lock cannot both win.
 */
async function replaced(folder: string, file: string, stale: Holder, draft: string, start: string): Promise<boolean> {
  const succession = await acquire(folder, `${file}.after-${stale.nonce}`, start);
  try {
    if ((await readHolder(file))?.nonce !== stale.nonce) return false;
    await rename(draft, file);
    return true;
  } finally {
    await succession.release();
  }
}

async function release(file: string, own: Holder): Promise<void> {
  if ((await readHolder(file))?.nonce === own.nonce) await rm(file, { force: true });
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(file: string): Promise<Holder | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const { pid, start, nonce } = parse(file, text);
  if (typeof pid === 'number' && typeof start === 'string' && typeof nonce === 'string') return { pid, start, nonce };
  throw damaged(file);
}

function parse(file: string, text: string): Partial<Holder> {
  try {
    return (JSON.parse(text) ?? {}) as Partial<Holder>;
  } catch (error) {
    throw damaged(file, error);
  }
}

function damaged(file: string, cause?: unknown): Error {
  return new Error(`The lock file ${file} is damaged. If no gateway runs on its folder, delete it.`, { cause });
}
