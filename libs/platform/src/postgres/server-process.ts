import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Logger } from '../logging/logger';
import { type Binaries, childEnvironment } from './binaries';
import type { Home } from './home';
import { STOP_SIGNALS } from './leftover';

/** A postmaster that accepts connections. */
export interface ServerProcess {
  pid: number;
  /** Resolves, with how, when the process has ended for whatever reason. */
  ended: Promise<string>;
  /** Resolves when the process has ended. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  home: Home;
  binaries: Binaries;
  port: number;
  /** For the readiness check: a URL of the database `postgres`. */
  url: string;
  log: Logger;
  /** Recovery after a crash may take long: it replays the log. */
  startTimeoutMs?: number;
  /** Called with the pid as soon as there is one. */
  spawned?: ((pid: number) => void) | undefined;
}

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '40',
  lc_messages: 'C',
  timezone: 'UTC',
  // Statements and row values stay out of the log.
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_line_prefix: '',
};

/** @throws when the server ends before it is ready (with its last words) or is not ready in time (it is stopped). */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const { home, binaries, port } = options;
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(
    path.join(binaries.native, 'bin', 'postgres'),
    ['-D', home.cluster, '-p', String(port), ...settings],
    {
      ...home.identity,
      cwd: home.folder,
      env: childEnvironment(binaries.native, home.folder),
      stdio: ['ignore', 'ignore', 'pipe'],
      // Its own process group: Ctrl-C in a terminal is for the gateway, which still has records to write.
      detached: true,
    },
  );
  const lastLines = follow(child.stderr, options.log);
  const ended = new Promise<string>((resolve) => {
    // Not `exit`: sessions that outlive a killed server hold its log open, and the data, until they notice.
    child.once('close', (code, signal) => resolve(signal ?? `status ${code}`));
  });
  await once(child, 'spawn');
  options.spawned?.(child.pid as number);
  const server = { pid: child.pid as number, ended, stop: () => stop(child, ended) };
  const failure = await Promise.race([
    ended.then((how) => `it ended with ${how}`),
    ready(options.url, options.startTimeoutMs ?? 120_000),
  ]);
  if (failure === undefined) return server;
  await server.stop();
  throw new Error(`Postgres did not start: ${failure}. Its last words: ${lastLines.join(' | ') || 'none'}`);
}

/** What it tells whoever connects too early or too late: our own readiness check, first of all. */
const OUT_OF_HOURS = /the database system is (starting up|not yet accepting|shutting down|in recovery)/;

/** Passes the server's log on, and keeps the end of it. */
function follow(stderr: Readable, log: Logger): string[] {
  const last: string[] = [];
  createInterface({ input: stderr }).on('line', (line) => {
    last.push(line);
    if (last.length > 10) last.shift();
    log[/^(PANIC|FATAL)/.test(line) && !OUT_OF_HOURS.test(line) ? 'warn' : 'debug']({ postgres: line }, 'postgres');
  });
  return last;
}

async function ready(url: string, timeoutMs: number): Promise<string | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    // A server that goes away raises an event besides failing the query.
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('SELECT 1');
      return undefined;
    } catch (error) {
      if (performance.now() > deadline) return `it was not ready after ${timeoutMs} ms (${(error as Error).message})`;
      await delay(25);
    } finally {
      await client.end();
    }
  }
}

async function stop(child: ChildProcessByStdio<null, null, Readable>, ended: Promise<string>): Promise<void> {
  for (const { signal, patienceMs } of STOP_SIGNALS) {
    if (child.exitCode !== null || child.signalCode !== null) break;
    child.kill(signal);
    const patience = new AbortController();
    await Promise.race([ended, delay(patienceMs, undefined, { signal: patience.signal }).catch(() => undefined)]);
    patience.abort();
  }
  await ended;
}
