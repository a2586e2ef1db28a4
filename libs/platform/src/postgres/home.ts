import { createHash } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { access, chown, mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../logging/logger';
import { canWrite, type Identity, identityFor } from './identity';

const FALLBACK_ROOT = '/var/lib/switchboard';

/** Where an embedded Postgres lives: `home/cluster` (its data), `home/password`, `home/binaries-…` (if copied). */
export interface Home {
  folder: string;
  cluster: string;
  identity: Identity;
}

/**
 * `<dataDir>/postgres`, created if absent and given to the user Postgres runs as. Where that user cannot reach it (the
 * gateway runs as root on a folder below /root, say), a folder below `fallbackRoot` named after the data folder, always
 * the same one.
 *
 * @throws when the data folder already holds a cluster which that user cannot reach: starting elsewhere would look like
 * data loss.
 */
export async function provideHome(dataDir: string, log: Logger, fallbackRoot = FALLBACK_ROOT): Promise<Home> {
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  const root = await realpath(dataDir);
  const preferred = path.join(root, 'postgres');
  if (process.getuid?.() !== 0) return ownHome(preferred);
  const fallback = fallbackOf(root, fallbackRoot);
  if (!hasCluster(fallback) || hasCluster(preferred)) {
    const home = await created(preferred);
    if (await canWrite(home.folder, home.identity)) return home;
    if (hasCluster(preferred)) throw closedToItsUser(home);
  }
  await mkdir(fallbackRoot, { recursive: true, mode: 0o755 });
  const home = await created(fallback);
  if (!(await canWrite(home.folder, home.identity))) throw closedToItsUser(home);
  log.warn(
    { dataDir: root, folder: home.folder },
    'the data folder is closed to the user Postgres runs as: its data is kept apart',
  );
  return home;
}

/** The folder that holds the cluster of a data folder; undefined where there is none yet. Creates nothing. */
export async function findHome(dataDir: string, fallbackRoot = FALLBACK_ROOT): Promise<string | undefined> {
  if (!existsSync(dataDir)) return undefined;
  const root = await realpath(dataDir);
  return [path.join(root, 'postgres'), fallbackOf(root, fallbackRoot)].find(hasCluster);
}

function fallbackOf(root: string, fallbackRoot: string): string {
  return path.join(fallbackRoot, createHash('sha256').update(root).digest('hex').slice(0, 16));
}

async function ownHome(folder: string): Promise<Home> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Error(
      `The folder ${folder} belongs to another user (did the gateway run as root here?). ` +
        `Run the gateway as that user, give the folder to this one (chown -R), or choose another DATA_DIR.`,
      { cause: error },
    );
  }
  return { folder, cluster: path.join(folder, 'cluster'), identity: {} };
}

function hasCluster(folder: string): boolean {
  return existsSync(path.join(folder, 'cluster'));
}

async function created(folder: string): Promise<Home> {
  const cluster = path.join(folder, 'cluster');
  const identity = await identityFor(cluster);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (identity.uid !== undefined && identity.gid !== undefined) await chown(folder, identity.uid, identity.gid);
  return { folder, cluster, identity };
}

function closedToItsUser({ folder, identity }: Home): Error {
  return new Error(
    `The folder ${folder} cannot be reached by user ${identity.uid}, which Postgres runs as when the gateway runs as root. ` +
      `Open the folders above it to that user (chmod o+x), choose another DATA_DIR, or run the gateway as an ordinary user.`,
  );
}
