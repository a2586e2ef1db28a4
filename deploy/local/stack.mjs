/**
 * `npm run stack [-- arguments]`: the whole distributed form on this machine, run by this very process; `npm run stack --
 * status` and its like talk to the one that runs. Set-up and an incremental build come first, but not for a running
 * stack: a build would change the programs under it.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { launch } from './launch.mjs';
import { root } from './workspace.mjs';

const main = 'apps/stack/dist/main.js';
const isCommand = /^(status|stop|start|restart|kill)$/.test(process.argv[2] ?? '');

await launch(main, { isBuilt: isCommand && existsSync(path.join(root, main)), endsWithShell: !isCommand });
