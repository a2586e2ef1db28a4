import { connect } from 'node:net';
import path from 'node:path';
import type { CpuProfile } from '../budget/cpu-profile';

const started = 'started\n';
const server = path.join(__dirname, '..', 'profile-server.js');

/** What a process needs in order to be profiled, when `script` is what it runs and the preload is in NODE_OPTIONS. */
export function profilingEnvironment(socketPath: string, script: string): Record<string, string> {
  return { NODE_OPTIONS: `-r ${server}`, PROFILE_SOCKET: socketPath, PROFILE_MAIN: script };
}

/**
 * Resolves when the process at the other end of the socket is being profiled, to what ends that.
 *
 * @throws Error when nobody listens, or no profile comes.
 */
export function startProfile(socketPath: string): Promise<() => Promise<CpuProfile>> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect({ path: socketPath, allowHalfOpen: true });
    const profile = new Promise<CpuProfile>((resolveProfile, rejectProfile) => {
      socket.on('error', rejectProfile);
      socket.on('end', () => {
        socket.destroy();
        const text = Buffer.concat(parts).toString().slice(started.length);
        if (text === '') rejectProfile(new Error('no profile came'));
        else resolveProfile(JSON.parse(text) as CpuProfile);
      });
    });
    // Whoever waits for the beginning is told as well.
    profile.catch(reject);
    socket.on('data', (bytes: Buffer) => {
      parts.push(bytes);
      resolve(() => {
        socket.end();
        return profile;
      });
    });
  });
}
