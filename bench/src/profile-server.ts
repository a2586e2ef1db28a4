/**
 * Preloaded (`-r`) into subjects: takes CPU profiles of the whole process on demand. In the process whose script ends in
 * PROFILE_MAIN, a profile lasts as long as the client of the Unix socket PROFILE_SOCKET writes; when it has ended, it is sent
 * the profile. Signals and the inspector's port would both be in the way of what services do themselves.
 */
import { Session } from 'node:inspector';
import { createServer } from 'node:net';
import { isMainThread } from 'node:worker_threads';

const { PROFILE_SOCKET: socketPath, PROFILE_MAIN: main } = process.env;
/** Microseconds. Finer than the standard, for requests of a few dozen of them. */
const interval = 250;

if (isMainThread && socketPath !== undefined && main !== undefined && process.argv[1]?.endsWith(main) === true) {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    session.post('Profiler.start');
    socket.resume();
    socket.on('error', () => socket.destroy());
    socket.on('end', () => {
      // Called before `post` returns: the session is this thread's own.
      session.post('Profiler.stop', (error, result) => {
        socket.end(error === null ? JSON.stringify(result.profile) : '');
      });
    });
    socket.write('started\n');
  });
  server.listen(socketPath);
  server.unref();
}
