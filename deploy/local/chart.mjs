/**
 * `npm run test:chart`: the charts alone. Set-up, a helm if there is none (see ../chart/helm.mjs), then `helm lint --strict`,
 * every rendered object of every example against the official schemas of Kubernetes 1.29 to 1.35, and the charts' own tests.
 * `npm test` runs the same among all others.
 */
import { findHelm } from '../chart/helm.mjs';
import { setup } from './setup.mjs';
import { command, runNode } from './workspace.mjs';

try {
  await setup();
  console.log(`helm: ${await findHelm()}`);
  const { code } = await runNode(command('jest/bin/jest.js'), [
    'libs/testing/src/chart',
    'apps/.*/src/config.spec',
    ...process.argv.slice(2),
  ]);
  process.exitCode = code;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
