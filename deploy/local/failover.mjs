/** `npm run failover [-- arguments]`: set-up, an incremental build, then the failover trial in this very process. */
import Module from 'node:module';
import path from 'node:path';
import { setup } from './setup.mjs';
import { build, root, stopWithShell } from './workspace.mjs';

try {
  await setup();
  const { code } = await build();
  if (code !== 0) throw new Error('The build failed; the compiler’s words are above.');
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

stopWithShell();

process.argv[1] = path.join(root, 'libs', 'testing', 'dist', 'failover', 'main.js');
Module.runMain();
