/**
 * `node assemble.mjs <built repository> <installed>`: makes of the second, a copy of every package.json with the production
 * packages installed, what an image holds: compiled JavaScript of the services and of the libraries they need, the
 * migrations, and manifests that name nothing which is not there.
 */
import { cpSync, existsSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** What an image can be told to run. The simulator is the upstream of a first run, and of tests. */
const APPS = ['edge-api', 'router', 'rate-limit', 'metering', 'admin-api', 'standalone', 'simulator'];

/** The client brings its compiler for every database there is, 60 MB of them. */
const OTHER_DATABASES = /^query_compiler_.*\.(cockroachdb|mysql|sqlite|sqlserver)\./;
const READ_BY_NO_MACHINE = /\.(map|d\.ts|d\.mts|d\.cts)$/;

const [source, target] = process.argv.slice(2).map((folder) => path.resolve(folder));

const read = (folder) => JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
const write = (folder, manifest) =>
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);

/** Packages of this repository by their names: the folders they are in. */
function workspaces() {
  const folders = ['apps', 'libs'].flatMap((parent) =>
    readdirSync(path.join(source, parent)).map((name) => path.join(parent, name)),
  );
  return new Map(folders.map((folder) => [read(path.join(source, folder)).name, folder]));
}

/** Folders of the apps and of all they depend on. */
function shippedOf(known) {
  const shipped = new Set();
  const add = (folder) => {
    if (folder === undefined || shipped.has(folder)) return;
    shipped.add(folder);
    for (const name of Object.keys(read(path.join(source, folder)).dependencies ?? {})) add(known.get(name));
  };
  for (const app of APPS) add(path.join('apps', app));
  return [...shipped].sort();
}

function ship(folder) {
  const { name, version, license, description, exports, dependencies } = read(path.join(source, folder));
  write(path.join(target, folder), { name, version, private: true, license, description, exports, dependencies });
  cpSync(path.join(source, folder, 'dist'), path.join(target, folder, 'dist'), {
    recursive: true,
    filter: (file) => lstatSync(file).isDirectory() || file.endsWith('.js'),
  });
}

function removeUnshipped(known, shipped) {
  for (const [name, folder] of known) {
    if (shipped.includes(folder)) continue;
    rmSync(path.join(target, folder), { recursive: true, force: true });
    rmSync(path.join(target, 'node_modules', name), { force: true });
  }
  // A workspace of its own, and what npm notes of an installation that is a different one from here on.
  for (const rest of [
    'bench',
    'deploy',
    'node_modules/@switchboard/bench',
    'package-lock.json',
    'node_modules/.package-lock.json',
  ]) {
    rmSync(path.join(target, rest), { recursive: true, force: true });
  }
}

function removeUnread(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && (READ_BY_NO_MACHINE.test(entry.name) || OTHER_DATABASES.test(entry.name))) {
      rmSync(path.join(entry.parentPath ?? entry.path, entry.name));
    }
  }
}

const known = workspaces();
const shipped = shippedOf(known);
for (const folder of shipped) ship(folder);
removeUnshipped(known, shipped);
removeUnread(path.join(target, 'node_modules'));
cpSync(path.join(source, 'prisma', 'migrations'), path.join(target, 'prisma', 'migrations'), { recursive: true });
cpSync(path.join(source, 'LICENSE'), path.join(target, 'LICENSE'));
const { name, version, license } = read(source);
write(target, { name, version, private: true, license, workspaces: shipped });
for (const folder of shipped) {
  if (!existsSync(path.join(target, folder, 'dist'))) throw new Error(`${folder} has not been built`);
}
