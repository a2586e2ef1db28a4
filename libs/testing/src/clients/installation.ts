import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Where the clients are pinned, and where they are installed: none is a dependency of this repository. */
export const CLIENTS_FOLDER = path.resolve(__dirname, '../../../../deploy/clients');

const MODULES = path.join(CLIENTS_FOLDER, 'node_modules');
const INSTALL_LIMIT_MS = 10 * 60_000;

/** `libraries`: without the command line clients, which are a gigabyte. */
export type Extent = 'libraries' | 'everything';

const stampFile = (extent: Extent): string => path.join(MODULES, `.installed-${extent}`);

export function isInstalled(extent: Extent): boolean {
  const wanted = lockHash();
  const extents: readonly Extent[] = extent === 'libraries' ? ['libraries', 'everything'] : ['everything'];
  return extents.some((one) => existsSync(stampFile(one)) && readFileSync(stampFile(one), 'utf8') === wanted);
}

/** Brings what is installed to what the lock file says; costs nothing where it is. Blocks. Throws where npm fails. */
export function installClients(extent: Extent): void {
  if (isInstalled(extent)) return;
  const omitted = extent === 'libraries' ? ['--omit=optional'] : [];
  // `npm ci` would refuse: of opencode's platforms the lock file has those alone that the registry offered when it was made.
  // No package gets to run a script, and an SDK that names a newer Node than this one still has to prove it.
  const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...omitted];
  const { status, error } = spawnSync('npm', args, {
    cwd: CLIENTS_FOLDER,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: INSTALL_LIMIT_MS,
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm install in ${CLIENTS_FOLDER} failed`, { cause: error });
  writeFileSync(stampFile(extent), lockHash());
}

export function versionOf(packageName: string): string {
  const manifest = path.join(MODULES, packageName, 'package.json');
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

/** A script of an installed package, to be run by `process.execPath`. */
export function scriptOf(packageName: string, script: string): string {
  return path.join(MODULES, packageName, script);
}

/**
 * The executable `inside` one of the packages that npm chose for this platform. Of several the last by name: those that
 * run on every processor are called `…-baseline`. Throws where there is none.
 */
export function platformBinary(packages: RegExp, inside: string): string {
  const name = readdirSync(MODULES)
    .filter((folder) => packages.test(folder))
    .sort()
    .at(-1);
  if (name === undefined) throw new Error(`npm brought nothing for ${process.platform} ${process.arch}: ${packages}`);
  return path.join(MODULES, name, inside);
}

function lockHash(): string {
  return createHash('sha256')
    .update(readFileSync(path.join(CLIENTS_FOLDER, 'package-lock.json')))
    .digest('hex');
}
