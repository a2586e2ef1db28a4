import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { promisify } from 'node:util';
import { exitOf, outputOf } from '../gateway-process';

const run = promisify(execFile);

/** What `npm run test:images` chose. */
const ENGINE = process.env['CONTAINER_ENGINE'] ?? 'podman';
const IMAGE = process.env['IMAGE'] ?? 'switchboard';

export interface ContainerOptions {
  name: string;
  /** Of the image: `apps/edge-api/dist/main.js`. */
  script: string;
  env: Record<string, string>;
  mounts?: Mount[];
}

/** A folder or file of this machine, and its place in the container. */
export interface Mount {
  from: string;
  to: string;
  readOnly?: boolean;
}

/** One container of the image; it shares this machine's network, so that it reaches what listens on loopback. */
export interface RunningContainer {
  name: string;
  output(): string;
  /** Resolves with the exit code of its process. */
  ended: Promise<number | string>;
  /** What a program in it prints. */
  execute(...command: string[]): Promise<string>;
  /** Resolves when it is gone; without a signal it is killed. */
  stop(signal?: NodeJS.Signals): Promise<number | string>;
}

/**
 * Starts it with all that the restricted Pod Security rules ask for, and more: nothing can be written but /tmp and what is
 * mounted, no capability is there and none can be got. Its user is the image's own.
 */
export function startContainer({ name, script, env, mounts = [] }: ContainerOptions): RunningContainer {
  const args = [
    ...['run', '--rm', '--name', name, '--network', 'host', '--pull', 'never'],
    ...['--read-only', '--tmpfs', '/tmp:rw,noexec,nosuid,size=16m', '--cap-drop', 'ALL'],
    ...['--security-opt', 'no-new-privileges'],
    // podman would give it /run and /var/tmp to write to as well.
    ...(ENGINE.endsWith('podman') ? ['--read-only-tmpfs=false'] : []),
    ...Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    ...mounts.flatMap(({ from, to, readOnly }) => ['--volume', `${from}:${to}${readOnly === true ? ':ro' : ''}`]),
    ...[IMAGE, script],
  ];
  const child: ChildProcess = spawn(ENGINE, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = outputOf(child);
  const ended = exitOf(child);
  return {
    ...{ name, output, ended },
    execute: async (...command) => (await run(ENGINE, ['exec', name, ...command])).stdout,
    stop: async (signal = 'SIGKILL') => {
      if (child.exitCode === null && child.signalCode === null) {
        await run(ENGINE, ['kill', '--signal', signal, name]).catch((error: Error) => {
          // It ended by itself meanwhile.
          if (!/no such container|not running|no container/i.test(error.message)) throw error;
        });
      }
      return ended;
    },
  };
}
