import { setTimeout as delay } from 'node:timers/promises';
import { Client, escapeIdentifier } from 'pg';
import { lockDataDir } from '../lifecycle/data-dir-lock';
import { freePort } from '../lifecycle/free-port';
import type { Logger } from '../logging/logger';
import { packagedBinaries, runnableBinaries } from './binaries';
import { DATABASE, embeddedUrl, provideCluster } from './cluster';
import { provideHome } from './home';
import { stopLeftover } from './leftover';
import { type ServerProcess, startServer } from './server-process';

export interface EmbeddedPostgres {
  /** Holds the password. */
  url: string;
  /** Of the server that runs now; undefined while there is none, or where it is not ours. */
  readonly pid: number | undefined;
  /** Resolves when the server has ended, its data checkpointed. Idempotent. */
  stop(): Promise<void>;
}

const PORT_ATTEMPTS = 5;
const RESTART_DELAY_MS = { first: 500, most: 30_000 };

/**
 * A private Postgres from the npm binaries, its data below `dataDir`, reachable on 127.0.0.1 by password only. Creates the
 * cluster on first use, stops a server that a killed gateway left behind, and starts the server again, on the same port,
 * should it die. Ends with the process, unless that is killed outright.
 *
 * @throws DataDirInUseError when another process runs it; Error with what to do when it cannot run here, or when the
 * given port is taken.
 */
export async function startEmbeddedPostgres(options: {
  dataDir: string;
  log: Logger;
  /** Below it: the data of folders which are closed to the user Postgres runs as. Default `/var/lib/switchboard`. */
  fallbackRoot?: string;
  /** Absent: a free one. */
  port?: number;
  /** Called with the pid of every server that is started, before it is ready: for who must know of it come what may. */
  spawned?: (pid: number) => void;
}): Promise<EmbeddedPostgres> {
  const { log, spawned } = options;
  const home = await provideHome(options.dataDir, log, options.fallbackRoot);
  const lock = await lockDataDir(home.folder);
  try {
    const installed = packagedBinaries();
    const binaries = await runnableBinaries({ installed, home: home.folder, identity: home.identity, log });
    const password = await provideCluster(home, binaries);
    await stopLeftover(home.cluster, log);
    const launchOn = (port: number): Promise<ServerProcess> =>
      startServer({ home, binaries, port, url: embeddedUrl(port, password, 'postgres'), log, spawned });
    const { server, port } =
      options.port === undefined
        ? await startOnFreePort(launchOn, log)
        : { server: await launchOn(options.port), port: options.port };
    const supervised = supervise(server, () => launchOn(port), log);
    try {
      await createDatabase(embeddedUrl(port, password, 'postgres'));
    } catch (error) {
      await supervised.stop();
      throw error;
    }
    log.info({ folder: home.folder, port }, 'embedded Postgres is ready');
    const stop = (): Promise<void> => supervised.stop().finally(() => lock.release());
    return {
      url: embeddedUrl(port, password, DATABASE),
      get pid() {
        return supervised.pid;
      },
      stop,
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** The database to use: the one named by `databaseUrl` (its life is not ours), else an embedded one. */
export async function openDatabase(options: {
  dataDir: string;
  databaseUrl: string | undefined;
  log: Logger;
}): Promise<EmbeddedPostgres> {
  const { dataDir, databaseUrl, log } = options;
  if (databaseUrl === undefined) return startEmbeddedPostgres({ dataDir, log });
  return { url: databaseUrl, pid: undefined, stop: () => Promise.resolve() };
}

async function startOnFreePort(
  launchOn: (port: number) => Promise<ServerProcess>,
  log: Logger,
): Promise<{ server: ServerProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      return { server: await launchOn(port), port };
    } catch (error) {
      // Another program may take the port between our look and the server's.
      const taken = /could not bind|Address already in use/.test((error as Error).message);
      if (!taken || attempt === PORT_ATTEMPTS) throw error;
      log.info({ port }, 'the port was taken meanwhile, trying another');
    }
  }
}

async function createDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  // A server that goes away raises an event besides failing the query, which reports it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${escapeIdentifier(DATABASE)}`);
  } finally {
    await client.end();
  }
}

interface Supervised {
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

/** Keeps one server running until stopped. */
function supervise(first: ServerProcess, launch: () => Promise<ServerProcess>, log: Logger): Supervised {
  const stopping = new AbortController();
  let current: ServerProcess | undefined = first;
  // The last resort when the process ends without `stop`: an exit handler cannot wait, but it can signal.
  const onExit = (): void => void (current !== undefined && process.kill(current.pid, 'SIGINT'));
  process.on('exit', onExit);

  const watch = async (): Promise<void> => {
    while (current !== undefined && !stopping.signal.aborted) {
      const how = await current.ended;
      current = undefined;
      if (stopping.signal.aborted) return;
      log.error({ how }, 'the embedded Postgres DIED while in use; usage records wait in memory until it is back');
      current = await relaunched();
    }
  };
  const relaunched = async (): Promise<ServerProcess | undefined> => {
    for (let pauseMs = RESTART_DELAY_MS.first; ; pauseMs = Math.min(pauseMs * 2, RESTART_DELAY_MS.most)) {
      await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return undefined;
      try {
        const server = await launch();
        log.warn({ pid: server.pid }, 'the embedded Postgres is back');
        return server;
      } catch (error) {
        log.error({ err: error }, 'the embedded Postgres did not start again, trying once more');
      }
    }
  };

  const watching = watch();
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    stopping.abort();
    await current?.stop();
    await watching;
    // A relaunch that was under way when the stop came.
    await current?.stop();
    current = undefined;
    process.off('exit', onExit);
  };
  return {
    get pid() {
      return current?.pid;
    },
    stop: () => (stopped ??= stop()),
  };
}
