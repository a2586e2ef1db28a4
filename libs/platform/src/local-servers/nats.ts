import { mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { findServer } from './find-server';
import { launchServer, type LocalServer, type LocalServerOptions } from './local-server';

/**
 * A NATS with JetStream on 127.0.0.1 that keeps its streams in `folder`.
 *
 * @throws Error when there is no NATS to run, or it does not start.
 */
export async function startNats(options: LocalServerOptions): Promise<LocalServer> {
  const program = await findServer('nats', options);
  const data = path.join(options.folder, 'nats');
  await mkdir(data, { recursive: true, mode: 0o700 });
  const folder = await realpath(data);
  return launchServer(
    {
      name: 'nats',
      scheme: 'nats',
      program,
      folder,
      args: (port) => ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder],
      greeting: { hear: 'INFO {' },
      portTaken: /address already in use/i,
    },
    options,
  );
}
