import 'reflect-metadata';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ADMIN_STORE, type AdminStore } from '@switchboard/admin-api';
import {
  BUCKETS,
  type Bus,
  decodeJson,
  encodeJson,
  HEALTH_CHECKS,
  type HealthCheck,
  type KeyRecordV1,
  type RateStateRequestV2,
  type RateStateV2,
  SUBJECTS,
} from '@switchboard/contracts';
import { createMetering } from '@switchboard/metering';
import {
  createLocalBus,
  createLogger,
  createMetrics,
  type EmbeddedPostgres,
  type SecretRing,
  startEmbeddedPostgres,
  withFirstRun,
} from '@switchboard/platform';
import { createRouter } from '@switchboard/router';
import { AdminServiceModule } from './admin-api.module';

jest.setTimeout(60_000);

const TOKEN = 'the-admin-token';
const log = createLogger({ level: 'silent', name: 'test' });
const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-app-admin-'));
chmodSync(folder, 0o711);
const file = path.join(folder, 'gateway.yaml');

let postgres: EmbeddedPostgres;
let bus: Bus;
let app: NestFastifyApplication;

function ring(id: string): SecretRing {
  return [{ id, key: randomBytes(32) }];
}

beforeAll(async () => {
  writeFileSync(file, 'tenants: [{ id: acme }]\n');
  postgres = await startEmbeddedPostgres({ dataDir: folder, log });
  bus = createLocalBus({ log });
  const demoKeyHash = createHash('sha256').update('cm_test_demo').digest('hex');
  const module = AdminServiceModule.forRoot({
    ...{ bus, databaseUrl: postgres.url, log, metrics: createMetrics() },
    secrets: { kek: ring('kek'), peppers: ring('pepper'), adminToken: TOKEN },
    config: {
      env: { GATEWAY_CONFIG: file },
      cwd: folder,
      declare: (config) => withFirstRun(config, { simulatorUrl: 'http://127.0.0.1:9', demoKeyHash }),
    },
  });
  app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), { logger: false });
  await app.init();
  await app.get<AdminStore>(ADMIN_STORE, { strict: false }).ready;
});

afterAll(async () => {
  await app.close();
  await bus.close();
  await postgres.stop();
  rmSync(folder, { recursive: true });
});

async function call(method: 'GET' | 'POST' | 'PUT', path: string, body?: object) {
  const reply = await app.inject({
    ...{ method, url: `/api/v1/${path}`, headers: { authorization: `Bearer ${TOKEN}` } },
    ...(body === undefined ? {} : { payload: body }),
  });
  return { status: reply.statusCode, body: reply.json() };
}

async function eventually<T>(probe: () => Promise<T | undefined>): Promise<T> {
  for (const endsAtMs = Date.now() + 5_000; ; await delay(20)) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > endsAtMs) throw new Error('it did not come');
  }
}

test('what the file declares and what a first run adds is in the API and on the bus', async () => {
  expect((await call('GET', 'tenants')).body.data.map(({ id }: { id: string }) => id)).toEqual(['acme', 'demo']);
  expect((await call('GET', 'providers')).body.data.map(({ id }: { id: string }) => id)).toEqual([
    'sim-anthropic',
    'sim-openai',
  ]);
  expect((await call('GET', 'config/diff')).body).toMatchObject({ source: 'gateway.yaml', valid: true, changes: [] });
  const published = await eventually(async () => {
    const keys = await bus.bucket(BUCKETS.catalog).keys();
    return keys.includes('settings') ? keys : undefined;
  });
  expect(published.length).toBeGreaterThan(10);
});

test('a key made here reaches the edges’ bucket, hashed', async () => {
  const made = await call('POST', 'keys', { tenant: 'acme', name: 'new' });
  expect(made.status).toBe(201);
  const record = await eventually(async () => {
    const bucket = bus.bucket(BUCKETS.keys);
    const entries = await Promise.all((await bucket.keys()).map((key) => bucket.get(key)));
    const records = entries.flatMap((entry) => (entry?.value ? [decodeJson<KeyRecordV1>(entry.value)] : []));
    return records.find(({ id }) => id === made.body.id);
  });
  expect(record).toMatchObject({ tenantId: 'acme', name: 'new', revoked: false });
  expect(JSON.stringify(record)).not.toContain(made.body.key);
});

test('explanations come from a router, rate states from a limiter, both over the bus', async () => {
  expect((await call('GET', 'routing/explain?model=sim/echo')).status).toBe(503);
  const router = createRouter({ bus, log, metrics: createMetrics(), instance: 'router-0', allowLoopback: false });
  const limiter = bus.serve(SUBJECTS.rateState, 'rate-limit', (payload) => {
    const { scopes } = decodeJson<RateStateRequestV2>(payload);
    const states = scopes.map(({ scope }) => ({
      scope,
      rates: {},
      open: scope === 'tenant:acme' ? 3 : 1,
      budgets: [],
    }));
    return Promise.resolve(encodeJson({ scopes: states } satisfies RateStateV2));
  });
  const { id } = (await call('POST', 'keys', { tenant: 'acme', name: 'limited' })).body;
  const explained = await eventually(async () => {
    const { status, body } = await call('GET', 'routing/explain?model=sim/echo');
    return status === 200 ? body : undefined;
  });
  expect(explained).toMatchObject({
    found: true,
    resolved: 'sim/echo',
    candidates: [{ provider: 'sim-anthropic' }, {}],
  });
  expect((await call('GET', `keys/${id}/rate-state`)).body).toMatchObject({ key: { open: 1 }, tenant: { open: 3 } });
  await limiter.stop();
  await router.close();
});

test('what calls cost shows in budgets and credits', async () => {
  const metering = createMetering({ databaseUrl: postgres.url, logger: log, metrics: createMetrics() });
  const tokens = { inputTokens: 1, cacheReadTokens: 0, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 };
  metering.store.record({
    ...{ requestId: 'req_1', tenantId: 'acme', keyId: 'key_acme_ci', requestedModel: 'm', model: 'm', upstream: 'u' },
    ...{ clientDialect: 'openai-chat', upstreamDialect: 'openai-chat', stream: false, accuracy: 'exact' },
    ...{ usage: { ...tokens, outputTokens: 1, reasoningTokens: 0 }, costNanoUsd: 250_000_000, startedAtMs: Date.now() },
    ...{ latencyMs: 1, attempts: 1, finish: 'stop', status: 200, losses: [] },
  });
  await metering.store.drain(5_000);
  await metering.close();
  await call('PUT', 'budgets/tenants/acme', { usd: 1, period: 'month' });
  await call('POST', 'credits/acme/top-ups', { usd: 10 });
  expect((await call('GET', 'budgets?tenant=acme')).body.data).toMatchObject([
    { id: 'acme', spentUsd: '0.250000000', remainingUsd: '0.750000000' },
  ]);
  expect((await call('GET', 'credits/acme')).body).toMatchObject({ balanceUsd: '9.750000000' });
  expect((await call('GET', 'usage?groupBy=provider')).body.data).toMatchObject([{ group: 'u' }]);
});

test('health is of the bus, the database and what is published', async () => {
  const checks = app.get<HealthCheck[]>(HEALTH_CHECKS, { strict: false });
  expect(checks.map(({ name, required }) => [name, required])).toEqual([
    ['nats', true],
    ['postgres', true],
    ['catalog-published', false],
  ]);
  for (const { check } of checks) await check();
  expect((await call('GET', 'health')).body).toMatchObject({ postgres: { status: 'up' }, bus: { status: 'up' } });
});
