import { startEmbeddedPostgres, startNats, startRedis, type LocalServer, type Logger } from '@switchboard/platform';
import { SupervisedServer, type ServerHandle } from './supervised-server';
import type { ServerName } from './topology';

export type Servers = Readonly<Record<ServerName, SupervisedServer>>;

/** Postgres, Redis and NATS with their data below `dataDir`, none of them started yet. */
export function createServers(options: { dataDir: string; log: Logger; changed: () => void }): Servers {
  const { dataDir: folder, log, changed } = options;
  const supervised = (name: ServerName, stopSignal: NodeJS.Signals, start: (at: Place) => Promise<ServerHandle>) =>
    new SupervisedServer({
      name,
      stopSignal,
      log,
      changed,
      launch: ({ port, spawned }) => start({ folder, log, spawned, ...(port !== undefined && { port }) }),
    });
  return {
    postgres: supervised('postgres', 'SIGINT', startPostgres),
    redis: supervised('redis', 'SIGTERM', async (at) => handleOf(await startRedis(at))),
    nats: supervised('nats', 'SIGTERM', async (at) => handleOf(await startNats(at))),
  };
}

interface Place {
  folder: string;
  port?: number;
  spawned: (pid: number) => void;
  log: Logger;
}

async function startPostgres({ folder, ...place }: Place): Promise<ServerHandle> {
  const postgres = await startEmbeddedPostgres({ dataDir: folder, ...place });
  return {
    get pid() {
      return postgres.pid;
    },
    port: Number(new URL(postgres.url).port),
    url: postgres.url,
    stop: () => postgres.stop(),
  };
}

function handleOf(server: LocalServer): ServerHandle {
  const { pid, port, url, ended } = server;
  return { pid, port, url, ended, stop: () => server.stop() };
}
