/**
 * `npm start [-- arguments of the gateway]`: set-up, an incremental build, then the gateway in this very process, so that
 * signals, the terminal and the exit code are its own.
 */
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

process.argv[1] = path.join(root, 'apps', 'standalone', 'dist', 'main.js');
// As if it had been named on the command line: `require.main` is the gateway.
Module.runMain();
