import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Binaries, childEnvironment } from './binaries';
import type { Home } from './home';

const run = promisify(execFile);

export const DATABASE_USER = 'switchboard';
export const DATABASE = 'switchboard';

/** Reachable on this machine alone; holds the password. */
export function embeddedUrl(port: number, password: string, database: string): string {
  return `postgresql://${DATABASE_USER}:${password}@127.0.0.1:${port}/${database}`;
}

/**
 * Creates the cluster if there is none, whole or not at all, with a random password as the only way in.
 *
 * @returns the password.
 * @throws when the cluster is of another major version, belongs to another user, or its password is missing.
 */
export async function provideCluster(home: Home, binaries: Binaries): Promise<string> {
  const passwordFile = path.join(home.folder, 'password');
  if (!existsSync(home.cluster)) {
    const password = randomBytes(24).toString('base64url');
    // Before the cluster appears under its name: there is never one without its password.
    await writeFile(passwordFile, password, { mode: 0o600, flush: true });
    await initialise(home, binaries, password);
    return password;
  }
  try {
    await checkVersion(home, binaries);
    return await readFile(passwordFile, 'utf8');
  } catch (error) {
    const { code, path: file } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') {
      throw new Error(`${file} belongs to another user: run the gateway as that user, or choose another DATA_DIR.`, {
        cause: error,
      });
    }
    if (code === 'ENOENT')
      throw new Error(`${file} is missing: restore it from a backup of the folder.`, { cause: error });
    throw error;
  }
}

async function checkVersion(home: Home, binaries: Binaries): Promise<void> {
  const version = (await readFile(path.join(home.cluster, 'PG_VERSION'), 'utf8')).trim();
  if (version === binaries.majorVersion) return;
  throw new Error(
    `${home.cluster} was written by Postgres ${version}, this gateway brings Postgres ${binaries.majorVersion}. ` +
      `Dump it with the gateway release that wrote it and load it into this one, or choose another DATA_DIR.`,
  );
}

async function initialise(home: Home, binaries: Binaries, password: string): Promise<void> {
  const draft = `${home.cluster}.new`;
  const secret = path.join(home.folder, 'password.init');
  await rm(draft, { recursive: true, force: true });
  await rm(secret, { force: true });
  try {
    // initdb reads it as its own user, which may not read the gateway's copy.
    await writeFile(secret, password, { mode: 0o600 });
    const { uid, gid } = home.identity;
    if (uid !== undefined && gid !== undefined) await chown(secret, uid, gid);
    await runInitdb(home, binaries, draft, secret);
    await rename(draft, home.cluster);
  } finally {
    await rm(secret, { force: true });
  }
}

async function runInitdb(home: Home, binaries: Binaries, draft: string, secret: string): Promise<void> {
  try {
    await run(
      path.join(binaries.native, 'bin', 'initdb'),
      ['-D', draft, '-U', DATABASE_USER, '-A', 'scram-sha-256', `--pwfile=${secret}`, '-E', 'UTF8', '--locale=C'],
      { ...home.identity, cwd: home.folder, env: childEnvironment(binaries.native, home.folder) },
    );
  } catch (error) {
    const words = (error as { stderr?: string }).stderr?.trim() || (error as Error).message;
    const advice = /user does not exist/.test(words)
      ? ' Postgres wants an entry in /etc/passwd for its user: add one, or give the gateway a database (DATABASE_URL).'
      : '';
    throw new Error(`Could not create a database in ${home.folder}: ${words}.${advice}`, { cause: error });
  }
}
