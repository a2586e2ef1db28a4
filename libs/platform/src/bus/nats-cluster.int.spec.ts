import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'nats';
import { freePort } from '../lifecycle/free-port';
import { findServer } from '../local-servers/find-server';
import { createLogger } from '../logging/logger';
import { openNatsBus } from './nats-bus';

const log = createLogger({ level: 'silent', name: 'test' });
const stream = { name: 'CLUSTERED', subject: 'clustered', dedupeWindowMs: 60_000, maxAgeMs: 60_000 };

let folder: string;
let servers: ChildProcess[] = [];
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nats-cluster-'));
  const program = await findServer('nats', { log });
  const ports = await Promise.all(Array.from({ length: 6 }, () => freePort()));
  const routes = ports.slice(3).map((port) => `nats://127.0.0.1:${port}`);
  servers = [0, 1, 2].map((index) => {
    const own = ['-n', `n${index}`, '-p', String(ports[index]), '-sd', path.join(folder, String(index))];
    const cluster = ['--cluster_name', 'test', '--cluster', routes[index]!, '--routes', routes.join()];
    const env = { ...process.env, ...program.env };
    return spawn(program.path, ['-a', '127.0.0.1', '-js', ...own, ...cluster], { env, stdio: 'ignore' });
  });
  url = ports
    .slice(0, 3)
    .map((port) => `nats://127.0.0.1:${port}`)
    .join();
}, 60_000);

afterAll(async () => {
  const ended = servers.map((server) => once(server, 'exit'));
  for (const server of servers) server.kill();
  await Promise.all(ended);
  await rm(folder, { recursive: true, force: true });
});

/** Until the cluster has found itself a leader, and beyond a server that goes. */
async function appended(replicas: number, id: string): Promise<void> {
  const bus = openNatsBus({ url, name: 'test', log, replicas });
  try {
    for (;;) {
      const done = await bus.append(stream, Buffer.from(id), id).then(
        () => true,
        () => false,
      );
      if (done) return;
      await delay(100);
    }
  } finally {
    await bus.close();
  }
}

async function replicasNow(): Promise<number> {
  const connection = await connect({ servers: url.split(',').map((server) => server.replace('nats://', '')) });
  const { config } = await (await connection.jetstreamManager()).streams.info(stream.name);
  await connection.close();
  return config.num_replicas;
}

test('a stream is on as many servers as asked for, more where more are asked for later, never fewer', async () => {
  await appended(1, 'a');
  expect(await replicasNow()).toBe(1);
  await appended(3, 'b');
  expect(await replicasNow()).toBe(3);
  await appended(1, 'c');
  expect(await replicasNow()).toBe(3);
}, 60_000);

test('what is on three servers outlives one of them', async () => {
  await appended(3, 'd');
  servers[0]!.kill('SIGKILL');
  await once(servers[0]!, 'exit');
  servers.shift();
  await appended(3, 'e');
  const [, ...left] = url.split(',');
  url = left.join();
  const connection = await connect({ servers: left.map((server) => server.replace('nats://', '')) });
  const { state } = await (await connection.jetstreamManager()).streams.info(stream.name);
  await connection.close();
  expect(state.messages).toBe(5);
}, 60_000);
