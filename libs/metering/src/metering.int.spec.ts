import 'reflect-metadata';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type HealthCheck,
  InvalidCursorError,
  USAGE_QUERIES,
  USAGE_SINK,
  type UsageQueries,
  type UsageRecordedV1,
  type UsageSink,
} from '@switchboard/contracts';
import {
  createLocalBus,
  createLogger,
  createMetrics,
  createPool,
  type EmbeddedPostgres,
  migrate,
  startEmbeddedPostgres,
} from '@switchboard/platform';
import { EMPTY_TABLES } from './__fixtures__/database';
import { event } from './__fixtures__/usage-events';
import { USAGE_QUERIES_HEALTH } from './client';
import { createMetering, type Metering } from './metering';
import { MeteringModule } from './metering.module';
import { UsageQueriesModule } from './usage-queries.module';

jest.setTimeout(60_000);

const log = createLogger({ level: 'silent', name: 'test' });

let dir: string;
let postgres: EmbeddedPostgres;
let metering: Metering;

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'switchboard-metering-'));
  await chmod(dir, 0o711);
  postgres = await startEmbeddedPostgres({ dataDir: dir, log });
  await migrate({ url: postgres.url, log });
});

afterAll(async () => {
  await postgres.stop();
  await rm(dir, { recursive: true, force: true });
});

beforeEach(async () => {
  await sql(EMPTY_TABLES);
  metering = createMetering({
    databaseUrl: postgres.url,
    logger: log,
    metrics: createMetrics(),
    drainTimeoutMs: 5_000,
  });
});

afterEach(() => metering.close());

async function sql(text: string): Promise<Record<string, unknown>[]> {
  const pool = createPool({ url: postgres.url, log });
  try {
    return (await pool.query<Record<string, unknown>>(text)).rows;
  } finally {
    await pool.end();
  }
}

async function stored(): Promise<unknown[]> {
  return (await sql('SELECT request_id FROM usage ORDER BY id')).map((row) => row['request_id']);
}

describe('queries', () => {
  const day = (text: string): Pick<UsageRecordedV1, 'startedAtMs'> => ({ startedAtMs: Date.parse(text) });

  beforeEach(async () => {
    const rows: UsageRecordedV1[] = [
      event('req_0', { ...day('2026-11-19T23:59:59.999Z'), costNanoUsd: 1 }),
      event('req_1', { ...day('2026-11-20T00:00:00.000Z'), keyId: 'key_2', costNanoUsd: 2 ** 52 }),
      event('req_2', { ...day('2026-11-20T00:59:59.999Z'), keyId: 'key_2', costNanoUsd: 2 ** 52 }),
      event('req_3', {
        ...day('2026-11-20T01:00:00.000Z'),
        tenantId: 'other',
        model: 'openai/gpt',
        upstream: 'openai',
      }),
    ];
    for (const row of rows) metering.store.record(row);
    await metering.store.drain(5_000);
  });

  const listed = async (...[filter, page]: Parameters<UsageQueries['list']>): Promise<string[]> =>
    (await metering.queries.list(filter, page)).records.map(({ requestId }) => requestId);

  test('pages follow one another, the latest first, and end', async () => {
    const first = await metering.queries.list({}, { limit: 3 });
    expect(first.records.map(({ requestId }) => requestId)).toEqual(['req_3', 'req_2', 'req_1']);
    metering.store.record(event('req_4'));
    await metering.store.drain(5_000);
    const second = await metering.queries.list({}, { limit: 3, cursor: first.nextCursor as string });
    expect(second.records.map(({ requestId }) => requestId)).toEqual(['req_0']);
    expect(second.nextCursor).toBeUndefined();
  });

  test('each filter narrows, and they combine; from counts in, to does not', async () => {
    expect(await listed({ tenantId: 'other' }, { limit: 9 })).toEqual(['req_3']);
    expect(await listed({ keyId: 'key_2' }, { limit: 9 })).toEqual(['req_2', 'req_1']);
    expect(await listed({ model: 'openai/gpt', tenantId: 'acme' }, { limit: 9 })).toEqual([]);
    const [fromMs, toMs] = [Date.parse('2026-11-20T00:00:00Z'), Date.parse('2026-11-20T01:00:00Z')];
    expect(await listed({ fromMs, toMs }, { limit: 9 })).toEqual(['req_2', 'req_1']);
  });

  test.each([
    'nonsense',
    '',
    Buffer.from('v1:-1').toString('base64url'),
    Buffer.from('v1:9999999999999999999999').toString('base64url'),
  ])('cursor %j is refused', async (cursor) => {
    await expect(metering.queries.list({}, { limit: 1, cursor })).rejects.toThrow(InvalidCursorError);
  });

  test('totals add up exactly, the most expensive first, and say when some were left out', async () => {
    const { totals, truncated } = await metering.queries.totals({ tenantId: 'acme' }, 'key', 10);
    expect(truncated).toBe(false);
    expect(totals).toEqual([
      {
        group: 'key_2',
        requests: 2n,
        inputTokens: 20n,
        cacheReadTokens: 2n,
        cacheWrite5mTokens: 4n,
        cacheWrite1hTokens: 6n,
        outputTokens: 40n,
        reasoningTokens: 8n,
        costNanoUsd: 2n ** 53n,
      },
      expect.objectContaining({ group: 'key_1', requests: 1n, costNanoUsd: 1n }),
    ]);
    expect(await metering.queries.totals({ tenantId: 'acme' }, 'key', 1)).toMatchObject({ truncated: true });
  });

  test.each([
    ['model', ['anthropic/claude-sonnet-4.6', 'openai/gpt']],
    ['upstream', ['claude-direct', 'openai']],
    ['hour', ['2026-11-20T01:00:00Z', '2026-11-20T00:00:00Z', '2026-11-19T23:00:00Z']],
    ['day', ['2026-11-20T00:00:00Z', '2026-11-19T00:00:00Z']],
  ] as const)('totals group by %s', async (groupBy, groups) => {
    const { totals } = await metering.queries.totals({}, groupBy, 10);
    expect(totals.map(({ group }) => group)).toEqual(groups);
  });
});

test('the module provides the ports, and a shutdown writes what waits', async () => {
  const module = MeteringModule.forRoot({ databaseUrl: postgres.url, logger: log, metrics: createMetrics() });
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  app.get<UsageSink>(USAGE_SINK).record(event('req_1'));
  expect((await app.get<UsageQueries>(USAGE_QUERIES).list({}, { limit: 1 })).records).toEqual([]);
  await app.close();
  expect(await stored()).toEqual(['req_1']);
});

test('a process that only reads takes the queries alone, with a health check of their own', async () => {
  metering.store.record(event('req_1'));
  await metering.store.drain(5_000);
  const bus = createLocalBus({ log });
  const open = (databaseUrl: string): Promise<INestApplicationContext> =>
    NestFactory.createApplicationContext(UsageQueriesModule.forRoot({ databaseUrl, bus, logger: log }), {
      logger: false,
    });
  const app = await open(postgres.url);
  const { records } = await app.get<UsageQueries>(USAGE_QUERIES).list({}, { limit: 1 });
  expect(records.map(({ requestId }) => requestId)).toEqual(['req_1']);
  await expect(app.get<HealthCheck>(USAGE_QUERIES_HEALTH).check()).resolves.toBeUndefined();
  expect(() => app.get(USAGE_SINK)).toThrow();
  await app.close();
  const away = await open('postgresql://x:x@127.0.0.1:1/x');
  await expect(away.get<HealthCheck>(USAGE_QUERIES_HEALTH).check()).rejects.toThrow();
  await away.close();
  await bus.close();
});

test('the health check tells whether the database answers', async () => {
  await expect(metering.health.check()).resolves.toBeUndefined();
  const away = createMetering({ databaseUrl: 'postgresql://x:x@127.0.0.1:1/x', logger: log, metrics: createMetrics() });
  await expect(away.health.check()).rejects.toThrow('ECONNREFUSED');
  await away.close();
});
