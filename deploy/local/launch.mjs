import Module from 'node:module';
import path from 'node:path';
import { setup } from './setup.mjs';
import { build, root, stopWithShell } from './workspace.mjs';

/**
 * Set-up, an incremental build, then a built program of this repository in this very process, so that signals, the terminal
 * and the exit code are its own.
 *
 * @param program path of its entry below the root
 * @param isBuilt it is run as it is, without set-up and build
 * @param endsWithShell it stops when the shell that npm started it in does
 */
export async function launch(program, { isBuilt = false, endsWithShell = true } = {}) {
  try {
    if (!isBuilt) {
      await setup();
      const { code } = await build();
      if (code !== 0) throw new Error('The build failed; the compiler’s words are above.');
    }
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
  if (endsWithShell) stopWithShell();
  process.argv[1] = path.join(root, program);
  // As if it had been named on the command line: `require.main` is the program.
  Module.runMain();
}
