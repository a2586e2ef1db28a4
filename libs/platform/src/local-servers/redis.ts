import { mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { findServer } from './find-server';
import { launchServer, type LocalServer, type LocalServerOptions } from './local-server';

/**
 * A Redis on 127.0.0.1 that keeps its data in `folder`, written to disk every second.
 *
 * @throws Error when there is no Redis to run, or it does not start.
 */
export async function startRedis(options: LocalServerOptions): Promise<LocalServer> {
  const program = await findServer('redis', options);
  const data = path.join(options.folder, 'redis');
  await mkdir(data, { recursive: true, mode: 0o700 });
  const folder = await realpath(data);
  return launchServer(
    {
      name: 'redis',
      scheme: 'redis',
      program,
      folder,
      args: (port) => [
        ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder],
        ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', '', '--daemonize', 'no'],
      ],
      greeting: { say: 'PING\r\n', hear: '+PONG' },
      portTaken: /Address already in use/i,
    },
    options,
  );
}
