import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type LocalServer } from '../local-servers/local-server';
import { startRedis } from '../local-servers/redis';
import { createLogger, type Logger } from '../logging/logger';
import { closeRedis, openRedis, type Redis, redisHealth } from './redis';

jest.setTimeout(60_000);

let folder: string;
let lines: Record<string, unknown>[];
let log: Logger;
let server: LocalServer | undefined;
let redis: Redis | undefined;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'switchboard-redis-'));
  lines = [];
  log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void lines.push(JSON.parse(line)) });
});

afterEach(async () => {
  if (redis !== undefined) await closeRedis(redis);
  await server?.stop('SIGKILL');
  redis = server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const quiet = createLogger({ level: 'silent', name: 'server' });

async function serve(port?: number): Promise<LocalServer> {
  server = await startRedis({ folder, log: quiet, port });
  return server;
}

function open(url: string): Redis {
  redis = openRedis({ url, log, name: 'limiter' });
  return redis;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; await delay(10)) if (holds()) return;
  throw new Error(`${what}: not within 15 s`);
}

const isReady = (client: Redis) => until('redis is ready', () => client.status === 'ready');
const told = () => lines.map(({ level, msg }) => `${String(level)}: ${String(msg)}`);

async function rejection(work: Promise<unknown>): Promise<{ error: Error; afterMs: number }> {
  const startedAt = performance.now();
  const error = await work.then(
    () => new Error('it did not reject'),
    (reason: Error) => reason,
  );
  return { error, afterMs: performance.now() - startedAt };
}

test('down at the start: commands reject at once, and work by themselves once it is up', async () => {
  const first = await serve();
  await first.stop();
  const client = open(first.url);
  await until('the wait is told', () => lines.length > 0);
  await expect(redisHealth(client, { required: true }).check()).rejects.toThrow('not connected');
  // By now it is tried once a second at most: what waited for that would show.
  await delay(1500);
  for (let attempt = 0; attempt < 5; attempt++) {
    const { error, afterMs } = await rejection(client.set('a', '1'));
    expect(error.message).not.toBe('it did not reject');
    expect(afterMs).toBeLessThan(100);
  }
  await serve(first.port);
  await isReady(client);
  expect(await client.set('a', '1')).toBe('OK');
  await redisHealth(client, { required: true }).check();
  expect(told()).toEqual(['warn: waiting for redis', 'info: redis is back']);
  expect(lines[0]).toMatchObject({ connection: 'limiter', port: first.port, reason: expect.stringContaining('ECONN') });
});

test('whoever waited for it for a while is back in less than two seconds', async () => {
  const first = await serve();
  await first.stop();
  const clients = Array.from({ length: 10 }, () => open(first.url));
  await delay(4_000);
  await serve(first.port);
  const returnedAt = performance.now();
  await Promise.all(clients.map(isReady));
  const tookMs = performance.now() - returnedAt;
  await Promise.all(clients.map(closeRedis));
  expect(tookMs).toBeLessThan(1_800);
});

test('killed under way: what has no answer rejects, nothing of it is sent again, and the next connection lasts', async () => {
  const { url, port, pid } = await serve();
  const client = open(url);
  await isReady(client);
  await client.set('count', '0');
  await delay(1200);
  process.kill(pid, 'SIGSTOP');
  const pending = rejection(client.incr('count'));
  await delay(50);
  await server?.stop('SIGKILL');
  const { error, afterMs } = await pending;
  expect(error.message).not.toBe('it did not reject');
  expect(afterMs).toBeLessThan(900);
  await delay(2000);
  await serve(port);
  await isReady(client);
  expect(await client.get('count')).toBe('0');
  await delay(6000);
  expect(told()).toEqual(['info: connected to redis', 'warn: redis is away', 'info: redis is back']);
});

test('hung: a command rejects within 1.2 s and the check says so; it goes on where it was when it answers again', async () => {
  const { url, pid } = await serve();
  const client = open(url);
  await isReady(client);
  await client.set('a', '1');
  process.kill(pid, 'SIGSTOP');
  try {
    const { error, afterMs } = await rejection(client.get('a'));
    expect(error.message).toMatch(/timed out/);
    expect(afterMs).toBeLessThan(1200);
    await expect(redisHealth(client, { required: true }).check()).rejects.toThrow('timed out');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await delay(100);
  expect(await client.get('a')).toBe('1');
  expect(told()).toEqual(['info: connected to redis']);
});

test('hung for long it is taken for gone, told once, and found again when it answers', async () => {
  const { url, pid } = await serve();
  const client = open(url);
  await isReady(client);
  process.kill(pid, 'SIGSTOP');
  try {
    await rejection(client.get('a'));
    await until('it is taken for gone', () => client.status !== 'ready');
    const { afterMs } = await rejection(client.get('a'));
    expect(afterMs).toBeLessThan(1200);
    await delay(3000);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await isReady(client);
  expect(await client.ping()).toBe('PONG');
  expect(told()).toEqual(['info: connected to redis', 'warn: redis is away', 'info: redis is back']);
  expect(lines[1]).toMatchObject({ reason: 'no answer' });
});

test('closing a hung one takes no longer than a command', async () => {
  const { url, pid } = await serve();
  const client = open(url);
  await isReady(client);
  process.kill(pid, 'SIGSTOP');
  const startedAt = performance.now();
  await closeRedis(client);
  await closeRedis(client);
  expect(performance.now() - startedAt).toBeLessThan(1300);
  process.kill(pid, 'SIGCONT');
  await delay(300);
  expect(client.status).toBe('end');
  expect(told()).toEqual(['info: connected to redis']);
});

describe('a server that takes connections and refuses the password', () => {
  let refusing: Server;
  const sockets = new Set<Socket>();
  let received = '';

  beforeEach(async () => {
    refusing = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      socket.on('data', (data) => {
        received += data.toString();
        socket.write('-WRONGPASS invalid username-password pair or user is disabled.\r\n');
      });
    }).listen(0, '127.0.0.1');
    await once(refusing, 'listening');
  });

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    refusing.close();
  });

  test('is told once, without the password', async () => {
    const { port } = refusing.address() as AddressInfo;
    open(`redis://me:hunter2@127.0.0.1:${port}/0`);
    await delay(1500);
    expect(received).toContain('hunter2');
    expect(told()).toEqual(['warn: waiting for redis']);
    expect(lines[0]?.['reason']).toContain('WRONGPASS');
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });
});
