/**
 * Preloaded (`NODE_OPTIONS=-r`) into every process of a stack; in the edge it writes a CPU profile of the whole process to
 * EDGE_PROFILE_FOLDER at its end. (`--cpu-prof` is not allowed in NODE_OPTIONS, and the stack starts the edge, not we.)
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import path from 'node:path';
import { isMainThread } from 'node:worker_threads';

const folder = process.env['EDGE_PROFILE_FOLDER'];

if (isMainThread && folder !== undefined && /edge-api.dist.main\.js$/.test(process.argv[1] ?? '')) {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.start');
  process.on('exit', () => {
    // Called before `post` returns: the session is this thread's own.
    session.post('Profiler.stop', (error, result) => {
      if (error !== null) return;
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, `edge-${process.pid}.cpuprofile`), JSON.stringify(result.profile));
    });
  });
}
