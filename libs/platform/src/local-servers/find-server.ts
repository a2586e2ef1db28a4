import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { DataDirInUseError, lockDataDir } from '../lifecycle/data-dir-lock';
import type { Logger } from '../logging/logger';

const run = promisify(execFile);

export type ServerKind = 'redis' | 'nats';
export type ProgramKind = ServerKind | 'prometheus' | 'promtool';

/** A program that runs as it is, given these additions to the environment. */
export interface ServerProgram {
  path: string;
  env: Record<string, string>;
}

interface Kind {
  program: string;
  variable: string;
  /** What of Debian holds it, and what it is linked to. */
  packages: string[];
  /** Whose unpacked packages hold it too; absent: its own. */
  within?: ProgramKind;
}

const KINDS: Record<ProgramKind, Kind> = {
  redis: {
    program: 'redis-server',
    variable: 'REDIS_SERVER_BIN',
    packages: ['redis-server', 'redis-tools', 'liblzf1', 'libjemalloc2'],
  },
  nats: { program: 'nats-server', variable: 'NATS_SERVER_BIN', packages: ['nats-server'] },
  prometheus: { program: 'prometheus', variable: 'PROMETHEUS_BIN', packages: ['prometheus'] },
  promtool: { program: 'promtool', variable: 'PROMTOOL_BIN', packages: ['prometheus'], within: 'prometheus' },
};

const FOLDERS = ['usr/bin', 'usr/sbin'];
const FETCH_TIMEOUT_MS = 120_000;
const LOCK_POLL_MS = 200;

/**
 * A server program of this machine, or a tool for one: the one named by its variable (`REDIS_SERVER_BIN`), else the one on
 * PATH, else, on Debian and Ubuntu, its package unpacked into `cache` (nothing is installed, no privilege needed).
 *
 * @throws Error that says what to install.
 */
export async function findServer(
  kind: ProgramKind,
  { log, cache = defaultCache(), env = process.env }: { log: Logger; cache?: string; env?: NodeJS.ProcessEnv },
): Promise<ServerProgram> {
  const { program, variable, packages } = KINDS[kind];
  const named = env[variable];
  if (named !== undefined && named !== '') {
    if (!(await isExecutable(named))) throw new Error(`${variable}: ${named} is no program that can be run here`);
    return { path: named, env: {} };
  }
  for (const folder of (env.PATH ?? '').split(path.delimiter)) {
    const candidate = path.join(folder, program);
    if (path.isAbsolute(folder) && (await isExecutable(candidate))) return { path: candidate, env: {} };
  }
  try {
    return await unpacked(kind, cache, log);
  } catch (error) {
    throw new Error(
      `${program} is not on this machine and could not be fetched. ` +
        `Install it (Debian, Ubuntu: apt install ${packages[0]}; macOS: brew install ${packages[0]?.replace('redis-server', 'redis')}), ` +
        `or name it in ${variable}.`,
      { cause: error },
    );
  }
}

/** `<repository>/.cache/servers`: beside the node_modules this runs from. */
function defaultCache(): string {
  for (let folder = __dirname; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    if (path.basename(folder) === 'libs') return path.join(path.dirname(folder), '.cache', 'servers');
  }
  return path.resolve('.cache', 'servers');
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    // Whatever the reason: this one is not to be run.
    return false;
  }
}

async function unpacked(kind: ProgramKind, cache: string, log: Logger): Promise<ServerProgram> {
  const home = KINDS[kind].within ?? kind;
  const root = path.join(cache, `${home}-${process.arch}`);
  const ready = await programIn(root, kind);
  if (ready !== undefined) return ready;
  const lock = await lockWhenFree(path.join(cache, `${home}.lock`));
  try {
    // Another process may have made it meanwhile.
    const made = await programIn(root, kind);
    if (made !== undefined) return made;
    log.info({ packages: KINDS[kind].packages, folder: root }, `fetching ${KINDS[kind].program} once`);
    await unpack(KINDS[kind].packages, root);
  } finally {
    await lock.release();
  }
  const found = await programIn(root, kind);
  if (found === undefined) throw new Error(`the packages unpacked into ${root} do not hold ${KINDS[kind].program}`);
  return found;
}

/** Whole or not at all: unpacked beside its place, then moved there. */
async function unpack(packages: string[], root: string): Promise<void> {
  const draft = await mkdtemp(`${root}.`);
  try {
    // A folder of its own: `apt-get download` writes where it stands.
    const options = { cwd: draft, timeout: FETCH_TIMEOUT_MS };
    await run('apt-get', ['download', ...packages], options);
    const files = (await readdir(draft)).filter((name) => name.endsWith('.deb'));
    for (const file of files) {
      await run('dpkg', ['-x', file, '.'], options);
      await rm(path.join(draft, file));
    }
    await rename(draft, root);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function programIn(root: string, kind: ProgramKind): Promise<ServerProgram | undefined> {
  for (const folder of FOLDERS) {
    const candidate = path.join(root, folder, KINDS[kind].program);
    if (await isExecutable(candidate)) return { path: candidate, env: await libraryPath(root) };
  }
  return undefined;
}

/** Debian keeps libraries in a folder per architecture: `usr/lib/x86_64-linux-gnu`. */
async function libraryPath(root: string): Promise<Record<string, string>> {
  const parent = path.join(root, 'usr', 'lib');
  try {
    const folders = (await readdir(parent)).filter((name) => name.includes('-linux-'));
    return folders.length === 0 ? {} : { LD_LIBRARY_PATH: folders.map((name) => path.join(parent, name)).join(':') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

async function lockWhenFree(folder: string): ReturnType<typeof lockDataDir> {
  await mkdir(path.dirname(folder), { recursive: true });
  const endsAtMs = performance.now() + FETCH_TIMEOUT_MS;
  for (;;) {
    try {
      return await lockDataDir(folder);
    } catch (error) {
      if (!(error instanceof DataDirInUseError) || performance.now() > endsAtMs) throw error;
      await delay(LOCK_POLL_MS);
    }
  }
}
