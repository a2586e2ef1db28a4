/**
 * `npm run stack [-- arguments]`: the whole distributed form on this machine, run by this very process; `npm run stack --
 * status` and its like talk to the one that runs. Set-up and an incremental build come first, but not for a running
 * stack: a build would change the programs under it.
 */
import Module from 'node:module';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setup } from './setup.mjs';
import { build, root, stopWithShell } from './workspace.mjs';

const main = path.join(root, 'apps', 'stack', 'dist', 'main.js');
const isCommand = /^(status|stop|start|restart|kill)$/.test(process.argv[2] ?? '');

try {
  if (!isCommand || !existsSync(main)) {
    await setup();
    const { code } = await build();
    if (code !== 0) throw new Error('The build failed; the compiler’s words are above.');
  }
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

if (!isCommand) stopWithShell();

process.argv[1] = main;
// As if it had been named on the command line: `require.main` is the supervisor.
Module.runMain();
