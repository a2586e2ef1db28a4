/** Installs what is measured beside the gateway, in the versions that bench/peers pins, into a cache folder. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { root, runBench, say } from './run-bench';
import { peersFolder } from './subjects/portkey';

const pinned = path.join(root, 'bench/peers');

/** @throws Error when npm fails. */
function install(name: string): void {
  const folder = path.join(peersFolder, name);
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) {
    copyFileSync(path.join(pinned, name, file), path.join(folder, file));
  }
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  const { status, error } = spawnSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`npm ci of ${name} failed`, { cause: error });
  say(`${name} is in ${path.relative(root, folder)}`);
}

void runBench('npm run bench:peers', (args) => {
  if (args.length > 0) throw new TypeError('it takes no arguments');
  for (const name of readdirSync(pinned)) install(name);
  return Promise.resolve();
});
