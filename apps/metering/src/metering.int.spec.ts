import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bus, CallLoggedV1, UsageRecordedV1 } from '@switchboard/contracts';
import {
  createCallPublisher,
  createUsagePublisher,
  usageBacklog,
  type UsagePublisher,
} from '@switchboard/metering/client';
import {
  createLogger,
  createMetrics,
  createPool,
  type EmbeddedPostgres,
  type LocalServer,
  openNatsBus,
  type Pool,
  startEmbeddedPostgres,
  startNats,
  startRedis,
} from '@switchboard/platform';

jest.setTimeout(120_000);

const MAIN = path.resolve(__dirname, '../dist/main.js');
const log = createLogger({ level: 'silent', name: 'test' });
const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-app-metering-'));
// Postgres runs as a user of its own where we are root.
chmodSync(folder, 0o711);

let nats: LocalServer;
let redis: LocalServer;
let postgres: EmbeddedPostgres;
let pool: Pool;
let bus: Bus;
let publisher: UsagePublisher;
let services: Service[] = [];

interface Service {
  child: ChildProcess;
  exited: Promise<number | NodeJS.Signals>;
  output(): string;
  /** Of the private port, once it listens. */
  url(): Promise<string>;
}

beforeAll(async () => {
  nats = await startNats({ folder, log });
  redis = await startRedis({ folder, log });
  postgres = await startEmbeddedPostgres({ dataDir: folder, log });
  pool = createPool({ url: postgres.url, log });
});

afterAll(async () => {
  await pool.end();
  await postgres.stop();
  await nats.stop('SIGKILL');
  await redis.stop('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  bus = openNatsBus({ url: nats.url, name: 'edge', log });
  publisher = createUsagePublisher({ bus, log, metrics: createMetrics() });
});

afterEach(async () => {
  for (const { child, exited } of services) {
    child.kill('SIGKILL');
    await exited;
  }
  services = [];
  await publisher.close();
  await bus.close();
});

function start(env: Record<string, string> = {}): Service {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH,
      NATS_URL: nats.url,
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      KEK: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
      ADMIN_PORT: '0',
      ADMIN_HOST: '127.0.0.1',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  const exited = once(child, 'exit').then(([code, signal]) => (signal ?? code) as number | NodeJS.Signals);
  const url = async (): Promise<string> => {
    await until(() => output.includes('adminUrl'));
    return /"adminUrl":"([^"]+)"/.exec(output)?.[1] as string;
  };
  const service = { child, exited, url, output: () => output };
  services.push(service);
  return service;
}

async function until(condition: () => Promise<boolean> | boolean, timeoutMs = 20_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline)
      throw new Error(`not in time: ${condition.toString()}\n${services.map(({ output }) => output()).join('\n')}`);
    await delay(20);
  }
}

async function readiness(service: Service): Promise<{ code: number; body: { status: string; checks: unknown } }> {
  const reply = await fetch(`${await service.url()}/readyz`);
  return { code: reply.status, body: (await reply.json()) as { status: string; checks: unknown } };
}

const ready = async (service: Service): Promise<boolean> => (await readiness(service)).code === 200;

async function stored(): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>('SELECT request_id AS id FROM usage');
  return rows.map(({ id }) => id);
}

function record(requestId: string): void {
  const event: UsageRecordedV1 = {
    requestId,
    tenantId: 'acme',
    keyId: 'key_1',
    requestedModel: 'sonnet',
    model: 'anthropic/claude-sonnet-4.6',
    upstream: 'claude-direct',
    clientDialect: 'anthropic-messages',
    upstreamDialect: 'anthropic-messages',
    stream: false,
    usage: {
      inputTokens: 10,
      cacheReadTokens: 0,
      cacheWrite5mTokens: 0,
      cacheWrite1hTokens: 0,
      outputTokens: 20,
      reasoningTokens: 0,
    },
    costNanoUsd: 330_000,
    accuracy: 'exact',
    startedAtMs: Date.now(),
    latencyMs: 90,
    attempts: 1,
    finish: 'end_turn',
    status: 200,
    losses: [],
  };
  publisher.record(event);
}

function refusedCall(requestId: string): CallLoggedV1 {
  return {
    ...{ requestId, atMs: Date.now(), tenantId: 'acme', keyId: 'key_1', endpoint: 'messages', ip: '203.0.113.7' },
    ...{ clientDialect: 'anthropic-messages', status: 403, outcome: 'ip_not_allowed', latencyMs: 1, attempts: 0 },
  };
}

test('started before its servers it says what it lacks, and works once they are there', async () => {
  const [natsPort, url] = [nats.port, new URL(postgres.url)];
  await Promise.all([nats.stop(), postgres.stop()]);
  const service = start();
  await until(async () => (await readiness(service)).body.status === 'unavailable');
  // Until it has tried, that is what it says.
  await until(async () => JSON.stringify((await readiness(service)).body).includes('ECONNREFUSED'));
  const { code, body } = await readiness(service);
  expect(code).toBe(503);
  expect(body.checks).toMatchObject({
    nats: { status: 'down', required: true },
    postgres: { status: 'down', required: true, error: expect.stringContaining('ECONNREFUSED') },
  });
  await delay(1_500);
  expect(service.output().match(/waiting for the database/g)).toHaveLength(1);
  nats = await startNats({ folder, port: natsPort, log });
  postgres = await startEmbeddedPostgres({ dataDir: folder, log, port: Number(url.port) });
  await until(() => ready(service));
  expect(service.output().match(/the database has this release/g)).toHaveLength(1);
  record('req_first');
  await until(async () => (await stored()).includes('req_first'));
  const calls = createCallPublisher({ bus, log, metrics: createMetrics() });
  calls.record(refusedCall('req_call'));
  await until(async () => (await pool.query('SELECT FROM call_log')).rowCount === 1);
  await calls.close();
  expect(service.output()).not.toContain(url.password);
});

test('killed in the middle of its work, another takes over: every record is stored once', async () => {
  const ids: string[] = [];
  let enough = false;
  const publishing = (async () => {
    while (!enough) {
      for (let burst = 0; burst < 20; burst++) record(ids[ids.push(`req_kill_${ids.length}`) - 1] as string);
      await delay(10);
    }
  })();
  const ours = async (): Promise<string[]> => (await stored()).filter((id) => id.startsWith('req_kill_'));
  for (let kill = 0; kill < 3; kill++) {
    const service = start();
    const seen = (await ours()).length;
    await until(async () => (await ours()).length > seen);
    service.child.kill('SIGKILL');
    expect(await service.exited).toBe('SIGKILL');
  }
  start();
  enough = true;
  await publishing;
  expect(await publisher.drain(10_000)).toBe(0);
  // What a killed process had in hand comes again after the stream's patience.
  await until(async () => (await ours()).length === ids.length, 60_000);
  expect((await ours()).sort()).toEqual(ids.sort());
  await until(async () => (await usageBacklog({ bus })).unacknowledged === 0, 60_000);
});

test('SIGTERM under load: it ends with 0, and the next one stores the rest, each record once', async () => {
  const service = start();
  await until(() => ready(service));
  for (let index = 0; index < 20_000; index++) record(`req_term_${index}`);
  await until(async () => (await stored()).some((id) => id.startsWith('req_term_')));
  service.child.kill('SIGTERM');
  expect(await service.exited).toBe(0);
  expect(await publisher.drain(10_000)).toBe(0);
  start();
  // All that it had not stored was given back: nothing waits for the 30 s after which a message comes again by itself.
  await until(async () => (await stored()).filter((id) => id.startsWith('req_term_')).length === 20_000, 20_000);
});

test('without Redis it is ready all the same, and ends with 0', async () => {
  const service = start({ REDIS_URL: 'redis://127.0.0.1:1' });
  await until(() => ready(service));
  const { body } = await readiness(service);
  expect(body).toMatchObject({ status: 'degraded', checks: { redis: { status: 'down', required: false } } });
  record('req_without_redis');
  await until(async () => (await stored()).includes('req_without_redis'));
  expect(service.output().match(/waiting for redis/g)).toHaveLength(1);
  service.child.kill('SIGTERM');
  expect(await service.exited).toBe(0);
});

test('a configuration with faults is refused before anything starts', async () => {
  const service = start({ DATABASE_URL: 'mysql://db' });
  expect(await service.exited).toBe(1);
  expect(service.output()).toContain('DATABASE_URL: must be postgresql://');
});
