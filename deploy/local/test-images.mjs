/**
 * `npm run test:images [-- arguments of jest]`: the whole system from the image, as an operator would harden it, before the
 * official SDKs. The image is the one that `npm run images` has built (IMAGE names another); not part of `npm test`, for it
 * needs a container engine.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { findEngine } from './container-engine.mjs';
import { setup } from './setup.mjs';
import { build, command, environment, root, runNode } from './workspace.mjs';

async function main(jestArgs) {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const CONTAINER_ENGINE = findEngine(process.env, ['podman', 'docker']);
  const IMAGE = process.env.IMAGE ?? `switchboard:${version}`;
  if (spawnSync(CONTAINER_ENGINE, ['image', 'inspect', IMAGE]).status !== 0) {
    throw new Error(`There is no image ${IMAGE} here: npm run images builds it.`);
  }
  await setup();
  // What runs beside the image: the simulator, the servers, the tests.
  if ((await build()).code !== 0) throw new Error('The build failed; the compiler’s words are above.');
  const config = ['--config', 'deploy/local/jest.images.config.cjs', '--runInBand'];
  const { code } = await runNode(command('jest/bin/jest.js'), [...config, ...jestArgs], {
    env: { ...environment, CONTAINER_ENGINE, IMAGE },
  });
  process.exitCode = code;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
