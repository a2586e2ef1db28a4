import 'reflect-metadata';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type Bus,
  decodeJson,
  encodeJson,
  type HealthCheck,
  HEALTH_CHECKS,
  type LimiterBatchReplyV2,
  LimiterUnavailableError,
  type ReservationRequest,
  SUBJECTS,
} from '@switchboard/contracts';
import {
  createLogger,
  createMetrics,
  type LocalServer,
  openNatsBus,
  startNats,
  startRedis,
} from '@switchboard/platform';
import { BusLimiter } from '@switchboard/rate-limit/client';
import { readRateLimitSettings } from './config';
import { RateLimitServiceModule } from './rate-limit.module';

jest.setTimeout(60_000);

const log = createLogger({ level: 'silent', name: 'test' });

let folder: string;
let servers: { nats: LocalServer; redis: LocalServer };
let buses: Bus[];
let app: INestApplicationContext;
let edge: BusLimiter;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'switchboard-rate-limit-app-'));
  const [nats, redis] = await Promise.all([startNats({ folder, log }), startRedis({ folder, log })]);
  servers = { nats, redis };
  const { settings } = readRateLimitSettings({ RESERVATION_LEASE_MS: '7000', REDIS_TIMEOUT_MS: '40' }) as {
    settings: { RESERVATION_LEASE_MS: number; REDIS_TIMEOUT_MS: number };
  };
  buses = ['rate-limit', 'edge'].map((name) => openNatsBus({ url: nats.url, name, log }));
  const module = RateLimitServiceModule.forRoot({
    ...{ bus: buses[0]!, log, metrics: createMetrics(), redisUrl: redis.url },
    leaseMs: settings.RESERVATION_LEASE_MS,
    redisTimeoutMs: settings.REDIS_TIMEOUT_MS,
  });
  app = await NestFactory.createApplicationContext(module, { logger: false });
  edge = new BusLimiter({ bus: buses[1]!, log });
  for (const check of app.get<HealthCheck[]>(HEALTH_CHECKS)) await healthy(check);
  while (!buses[1]!.connected) await pause(10);
});

afterAll(async () => {
  await edge.close(0);
  await app.close();
  await Promise.all(buses.map((bus) => bus.close()));
  await Promise.all([servers.nats.stop(), servers.redis.stop()]);
  await rm(folder, { recursive: true, force: true });
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function healthy(check: HealthCheck): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    try {
      return await check.check();
    } catch {
      await pause(10);
    }
  }
  throw new Error(`${check.name} is not healthy after 5 s`);
}

function call(requestId: string, nanoUsd?: number): ReservationRequest {
  const budgets: ReservationRequest['scopes'][number]['budgets'] =
    nanoUsd === undefined ? [] : [{ id: 'budget', nanoUsd, period: 'total' }];
  return {
    ...{ requestId, group: 'tenant:acme', startedAtMs: Date.now() },
    scopes: [{ scope: 'key:k', limits: {}, budgets }],
    amounts: { inputTokens: 1, outputTokens: { least: 1, most: 1 }, nanoUsd: 100 },
  };
}

test('what was spent is what metering says, and without metering nobody with a budget is admitted', async () => {
  await expect(edge.reserve(call('early', 1_000))).rejects.toThrow(LimiterUnavailableError);
  expect(await edge.reserve(call('free'))).toMatchObject({ outcome: 'granted' });
  const metering = buses[1]!.serve(SUBJECTS.spending, 'metering', () => Promise.resolve(encodeJson({ nanoUsd: 850 })));
  await pause(100);
  expect(await edge.reserve(call('first', 1_000))).toMatchObject({ outcome: 'granted' });
  expect(await edge.reserve(call('second', 1_000))).toMatchObject({
    ...{ outcome: 'denied', reason: 'held' },
    budget: { spentNanoUsd: 850, heldNanoUsd: 100 },
  });
  await metering.stop();
});

test('the lease and what Redis may take are as they are set', async () => {
  const batch = encodeJson({ steps: [{ do: 'reserve', request: call('lease') }] });
  const reply = await buses[1]!.request(SUBJECTS.limiterBatch, batch, { timeoutMs: 1_000 });
  expect(decodeJson<LimiterBatchReplyV2>(reply).leaseMs).toBe(7_000);
  process.kill(servers.redis.pid, 'SIGSTOP');
  try {
    await expect(edge.reserve(call('hanging'))).rejects.toThrow('no answer within 40 ms');
  } finally {
    process.kill(servers.redis.pid, 'SIGCONT');
  }
});
