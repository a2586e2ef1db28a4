import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { processCommand } from '../lifecycle/process-identity';
import { DATABASE, embeddedUrl } from './cluster';
import { findHome } from './home';
import { isServer } from './leftover';

/** Lines of `postmaster.pid`. */
const PID_LINE = 0;
const PORT_LINE = 3;

/**
 * The URL of the embedded Postgres that another process runs now on a data folder, with its password; undefined where none
 * runs. It may end at any moment: its life is not the caller's.
 *
 * @throws the error of the file system where its files belong to another user.
 */
export async function runningPostgresUrl(dataDir: string, fallbackRoot?: string): Promise<string | undefined> {
  const home = await findHome(dataDir, fallbackRoot);
  if (home === undefined) return undefined;
  const cluster = path.join(home, 'cluster');
  const lines = await linesOf(path.join(cluster, 'postmaster.pid'));
  const [pid, port] = [PID_LINE, PORT_LINE].map((line) => Number.parseInt(lines[line] ?? '', 10)) as [number, number];
  // A server that is starting has not written its port.
  if (!(pid > 0) || !(port > 0)) return undefined;
  const command = await processCommand(pid);
  if (command === undefined || !isServer(command, cluster)) return undefined;
  return embeddedUrl(port, await readFile(path.join(home, 'password'), 'utf8'), DATABASE);
}

async function linesOf(file: string): Promise<string[]> {
  try {
    return (await readFile(file, 'utf8')).split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
