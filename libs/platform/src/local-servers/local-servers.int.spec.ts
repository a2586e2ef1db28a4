import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect as connectTo, createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { connect } from 'nats';
import { DataDirInUseError } from '../lifecycle/data-dir-lock';
import { processCommand } from '../lifecycle/process-identity';
import { createLogger } from '../logging/logger';
import { findServer, type ServerKind } from './find-server';
import type { LocalServer, LocalServerOptions } from './local-server';
import { startNats } from './nats';
import { startRedis } from './redis';

jest.setTimeout(60_000);

let folder: string;
let logged: string[];
let started: LocalServer[];
let children: ChildProcess[];
/** Of servers that outlive the children that started them. */
let orphans: number[];
const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void logged.push(line) });

beforeEach(async () => {
  [logged, started, children, orphans] = [[], [], [], []];
  folder = await mkdtemp(path.join(tmpdir(), 'servers-'));
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const pid of orphans) {
    if ((await processCommand(pid))?.includes('-server') === true) process.kill(pid, 'SIGKILL');
  }
  await Promise.all(started.map((server) => server.stop('SIGKILL')));
  await rm(folder, { recursive: true, force: true });
});

const starters = { redis: startRedis, nats: startNats };

async function start(kind: ServerKind, options: Partial<LocalServerOptions> = {}): Promise<LocalServer> {
  const server = await starters[kind]({ folder, log, ...options });
  started.push(server);
  return server;
}

/** Writes something that lasts. */
async function keep(kind: ServerKind, port: number): Promise<void> {
  if (kind === 'redis') return withRedis(port, async (redis) => void (await redis.set('kept', '42')));
  return withJetStream(port, async (connection) => {
    const kv = await connection.jetstream().views.kv('kept');
    await kv.put('kept', '42');
  });
}

async function kept(kind: ServerKind, port: number): Promise<string | null | undefined> {
  let found: string | null | undefined;
  if (kind === 'redis') await withRedis(port, async (redis) => void (found = await redis.get('kept')));
  else {
    await withJetStream(port, async (connection) => {
      found = (await (await connection.jetstream().views.kv('kept')).get('kept'))?.string();
    });
  }
  return found;
}

async function withRedis(port: number, work: (redis: Redis) => Promise<void>): Promise<void> {
  const redis = new Redis({ host: '127.0.0.1', port });
  await work(redis).finally(() => redis.disconnect());
}

async function withJetStream(
  port: number,
  work: (connection: Awaited<ReturnType<typeof connect>>) => Promise<void>,
): Promise<void> {
  const connection = await connect({ servers: `127.0.0.1:${port}` });
  await work(connection).finally(() => connection.close());
}

/** A separate process that runs the server. */
async function startElsewhere(kind: ServerKind): Promise<{ child: ChildProcess; pid: number; port: number }> {
  const script = path.join(__dirname, '__fixtures__/hold-server.cjs');
  const child = spawn(process.execPath, [script, kind, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { pid, port } = JSON.parse(line) as { pid: number; port: number };
  orphans.push(pid);
  return { child, pid, port };
}

async function gone(pid: number): Promise<boolean> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if ((await processCommand(pid)) === undefined) return true;
    await delay(50);
  }
  return false;
}

describe.each(['redis', 'nats'] as const)('%s', (kind) => {
  test('what was written is there after a stop and a start on the same folder and port', async () => {
    const first = await start(kind);
    expect(first.url).toBe(`${kind}://127.0.0.1:${first.port}`);
    expect(await processCommand(first.pid)).toContain(`${kind}-server`);
    await keep(kind, first.port);
    await first.stop();
    expect(await processCommand(first.pid)).toBeUndefined();
    await first.stop();
    const second = await start(kind, { port: first.port });
    expect(second.url).toBe(first.url);
    expect(await kept(kind, second.port)).toBe('42');
  });

  test('how it ended is told, and the folder is free again by then', async () => {
    const first = await start(kind);
    process.kill(first.pid, 'SIGKILL');
    expect(await first.ended).toBe('SIGKILL');
    await start(kind);
  });

  test('only this machine can reach it', async () => {
    const { port } = await start(kind);
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((address) => address?.family === 'IPv4' && !address.internal);
    // 127.0.0.2 stands in where the machine has no other address.
    const socket = connectTo(port, outside?.address ?? '127.0.0.2');
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
  });

  test('a given port that another program has is refused, whatever that one answers', async () => {
    const greeting = kind === 'redis' ? '+PONG\r\n' : 'INFO {}\r\n';
    const squatter = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write(greeting);
    }).listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const { port } = squatter.address() as { port: number };
    await expect(start(kind, { port })).rejects.toThrow(`port ${port} is taken`);
    squatter.close();
    await start(kind, { port });
  });

  test('a second one on the folder of a living process is refused', async () => {
    const { child, port } = await startElsewhere(kind);
    await expect(start(kind)).rejects.toThrow(DataDirInUseError);
    await expect(start(kind)).rejects.toThrow(`in use by process ${child.pid}`);
    await keep(kind, port);
  });

  test('it ends when the process that started it exits', async () => {
    const { child, pid } = await startElsewhere(kind);
    child.stdin!.write('\n');
    await once(child, 'exit');
    expect(await gone(pid)).toBe(true);
  });

  test('one that a killed process left running is stopped, and its data is there', async () => {
    const { child, pid, port } = await startElsewhere(kind);
    await keep(kind, port);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await processCommand(pid)).toContain(`${kind}-server`);
    const server = await start(kind, { port });
    expect(await processCommand(pid)).toBeUndefined();
    expect(await kept(kind, server.port)).toBe('42');
    expect(logged.filter((line) => line.includes('left running'))).toHaveLength(1);
  });

  test('one that does not start says its last words', async () => {
    await mkdir(path.join(folder, kind), { recursive: true });
    // Where its data should be there is something else.
    await writeFile(path.join(folder, kind, kind === 'redis' ? 'appendonlydir' : 'jetstream'), 'not a folder');
    await expect(start(kind)).rejects.toThrow(/did not start: it ended.*Its last words: .*(appendonlydir|directory)/is);
  });
});

const onDebian = existsSync('/usr/bin/apt-get') ? test : test.skip;

describe('finding a program', () => {
  test('the variable comes first, and is checked', async () => {
    const own = path.join(folder, 'own');
    await expect(findServer('redis', { log, env: { REDIS_SERVER_BIN: own } })).rejects.toThrow('REDIS_SERVER_BIN');
    await writeFile(own, '#!/bin/sh\n');
    await chmod(own, 0o755);
    expect(await findServer('redis', { log, env: { REDIS_SERVER_BIN: own } })).toEqual({ path: own, env: {} });
  });

  test('then the PATH', async () => {
    const own = path.join(folder, 'nats-server');
    await writeFile(own, '#!/bin/sh\n');
    await chmod(own, 0o755);
    const env = { PATH: `/nowhere:${folder}` };
    expect(await findServer('nats', { log, env })).toEqual({ path: own, env: {} });
  });

  onDebian('then a cache, which two that begin at once fill once', async () => {
    const options = { log, cache: path.join(folder, 'cache'), env: { PATH: '' } };
    const [one, two] = await Promise.all([findServer('nats', options), findServer('nats', options)]);
    expect(one).toEqual(two);
    expect(one.path).toMatch(/cache\/nats-.*\/nats-server$/);
    expect(logged.filter((line) => line.includes('fetching nats-server'))).toHaveLength(1);
    const left = (await readdir(options.cache)).filter((name) => /^nats-/.test(name));
    expect(left).toHaveLength(1);
  });

  test('where nothing can be fetched, one error says what to install', async () => {
    // No cache can be made below a file.
    await writeFile(path.join(folder, 'file'), '');
    const sought = findServer('redis', { log, cache: path.join(folder, 'file', 'cache'), env: { PATH: '' } });
    await expect(sought).rejects.toThrow(/redis-server is not on this machine.*Install it.*REDIS_SERVER_BIN/s);
  });
});
