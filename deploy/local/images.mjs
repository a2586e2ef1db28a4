/**
 * `npm run images [-- arguments of the builder]`: builds the image with podman, docker or buildah, the same to the byte for the
 * same commit and base, and puts its SBOM beside it as a file. `npm run images -- --build-arg BASE=…` takes another base.
 *
 * IMAGE (switchboard:<version>) names it, CONTAINER_ENGINE the builder, NPMRC an .npmrc for the npm inside; the certificate
 * authority that NODE_EXTRA_CA_CERTS names is trusted there too. Neither gets into the image.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { findEngine } from './container-engine.mjs';
import { root, run } from './workspace.mjs';

const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const sbomFile = path.join(root, '.cache', 'images', 'sbom.cdx.json');

const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

/** What is built is the commit, and whatever was changed since. */
function revision() {
  const changed = git('status', '--porcelain') === '' ? '' : '-changed';
  return { revision: `${git('rev-parse', 'HEAD')}${changed}`, epoch: git('log', '-1', '--format=%ct') };
}

function secrets({ NPMRC, NODE_EXTRA_CA_CERTS }) {
  const given = Object.entries({ npmrc: NPMRC, ca: NODE_EXTRA_CA_CERTS }).filter(([, file]) => (file ?? '') !== '');
  return given.flatMap(([id, file]) => ['--secret', `id=${id},src=${path.resolve(file)}`]);
}

async function main(more) {
  const engine = findEngine(process.env, ['podman', 'docker', 'buildah']);
  const image = process.env.IMAGE ?? `switchboard:${version}`;
  const { revision: REVISION, epoch } = revision();
  const CREATED = new Date(Number(epoch) * 1000).toISOString().replace('.000Z', 'Z');
  const args = Object.entries({ VERSION: version, REVISION, CREATED, SOURCE_DATE_EPOCH: epoch });
  const command = [
    ...['build', '--file', 'deploy/Dockerfile', '--tag', image],
    ...args.flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    // BuildKit takes the time from the argument.
    ...(engine === 'docker' ? [] : ['--timestamp', epoch, '--format', 'oci']),
    ...secrets(process.env),
    ...more,
    '.',
  ];
  const { code } = await run(engine, command);
  if (code !== 0) throw new Error(`${engine} build failed; its own words are above.`);
  if (engine === 'buildah') return `built ${image}\n`;
  const ask = ['run', '--rm', '--network', 'none', '--entrypoint', 'cat', image, '/app/sbom.cdx.json'];
  const sbom = execFileSync(engine, ask, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  mkdirSync(path.dirname(sbomFile), { recursive: true });
  writeFileSync(sbomFile, sbom);
  const [id, bytes] = execFileSync(engine, ['image', 'inspect', '--format', '{{.Id}} {{.Size}}', image], {
    encoding: 'utf8',
  })
    .trim()
    .split(' ');
  const packages = JSON.parse(sbom).components.length;
  return `built ${image} (${id}), ${(Number(bytes) / 1e6).toFixed(0)} MB; ${packages} packages in ${path.relative(root, sbomFile)}\n`;
}

try {
  process.stdout.write(await main(process.argv.slice(2)));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
