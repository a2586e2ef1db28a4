import { spawnSync } from 'node:child_process';

/**
 * The first of these programs that works here, or the one that CONTAINER_ENGINE names.
 *
 * @throws Error that says what to install.
 */
export function findEngine({ CONTAINER_ENGINE: named = '' }, programs) {
  const candidates = named === '' ? programs : [named];
  const faults = [];
  for (const program of candidates) {
    // `docker info` asks the daemon, without which the client is of no use.
    const { status, error, stderr } = spawnSync(program, ['info'], { encoding: 'utf8' });
    if (status === 0) return program;
    faults.push(
      `${program}: ${error?.code === 'ENOENT' ? 'not installed' : (error?.message ?? stderr.trim().split('\n').at(-1))}`,
    );
  }
  throw new Error(
    `Images need a container engine that works here (${faults.join('; ')}). Install podman (Debian, Ubuntu: ` +
      `apt install podman; macOS: brew install podman) or docker, or name another in CONTAINER_ENGINE.`,
  );
}
