import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  InvalidCursorError,
  USAGE_QUERIES,
  type UsageFilter,
  type UsageQueries,
  type UsageRecordedV1,
  type UsageTotal,
} from '@switchboard/contracts';
import { createLogger, createMetrics } from '@switchboard/platform';
import { AdminApiModule } from './admin-api.module';

const TOKEN = 'a-long-admin-token';

const RECORD: UsageRecordedV1 = {
  requestId: 'req_1',
  tenantId: 'acme',
  keyId: 'key_1',
  requestedModel: 'sonnet',
  model: 'anthropic/claude-sonnet-4.6',
  upstream: 'claude-direct',
  clientDialect: 'anthropic-messages',
  upstreamDialect: 'openai-chat',
  stream: true,
  usage: {
    inputTokens: 10,
    cacheReadTokens: 1,
    cacheWrite5mTokens: 2,
    cacheWrite1hTokens: 3,
    outputTokens: 20,
    reasoningTokens: 4,
  },
  costNanoUsd: 330_000,
  accuracy: 'exact',
  startedAtMs: Date.parse('2026-11-20T12:00:00.123Z'),
  latencyMs: 90,
  attempts: 1,
  finish: 'end_turn',
  status: 200,
  losses: [{ feature: 'top_k', path: 'top_k' }],
  endUser: '=HYPERLINK("http://evil")',
};

const TOTAL: UsageTotal = {
  group: 'key_1',
  requests: 2n,
  inputTokens: 20n,
  cacheReadTokens: 0n,
  cacheWrite5mTokens: 0n,
  cacheWrite1hTokens: 0n,
  outputTokens: 40n,
  reasoningTokens: 0n,
  costNanoUsd: 12_345_678_901_234_567_890n,
};

/** A store in memory: what it was asked, and one record to answer with. */
class OneRecord implements UsageQueries {
  asked: { filter: UsageFilter; rest: unknown }[] = [];
  fault: Error | undefined;

  list(filter: UsageFilter, page: { limit: number; cursor?: string }): ReturnType<UsageQueries['list']> {
    this.asked.push({ filter, rest: page });
    if (page.cursor === 'nonsense') return Promise.reject(new InvalidCursorError());
    return this.fault ? Promise.reject(this.fault) : Promise.resolve({ records: [RECORD], nextCursor: 'next' });
  }

  totals(filter: UsageFilter, ...rest: unknown[]): ReturnType<UsageQueries['totals']> {
    this.asked.push({ filter, rest });
    return Promise.resolve({ totals: [TOTAL], truncated: false });
  }
}

let app: NestFastifyApplication;
let queries: OneRecord;
const logged: string[] = [];

async function start(options: { adminToken?: string }): Promise<void> {
  queries = new OneRecord();
  const module = AdminApiModule.forRoot({
    adminToken: options.adminToken,
    metrics: createMetrics(),
    logger: createLogger({ level: 'info', name: 'test' }, { write: (line) => void logged.push(line) }),
    providers: [{ provide: USAGE_QUERIES, useValue: queries }],
  });
  app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), { logger: false });
  await app.init();
}

afterEach(async () => {
  logged.length = 0;
  await app.close();
});

function get(url: string, authorization = `Bearer ${TOKEN}`): ReturnType<NestFastifyApplication['inject']> {
  return app.inject({ method: 'GET', url, headers: authorization === '' ? {} : { authorization } });
}

describe('who may read', () => {
  test.each(['', 'Bearer wrong', `Basic ${TOKEN}`, TOKEN, 'Bearer ', `Bearer ${TOKEN}x`])(
    'authorization %j is refused with 401 and reads nothing',
    async (authorization) => {
      await start({ adminToken: TOKEN });
      const reply = await get('/api/v1/usage', authorization);
      expect(reply.statusCode).toBe(401);
      expect(reply.headers['www-authenticate']).toBe('Bearer');
      expect(reply.json()).toMatchObject({ error: { code: 'unauthorized' } });
      expect(queries.asked).toEqual([]);
    },
  );

  test('without a configured token nobody reads, and the answer says what to set', async () => {
    await start({});
    const reply = await get('/api/v1/usage', 'Bearer undefined');
    expect(reply.statusCode).toBe(503);
    expect(reply.json()).toMatchObject({ error: { code: 'admin_token_not_configured' } });
    expect(reply.body).toContain('ADMIN_TOKEN');
  });
});

describe('usage', () => {
  beforeEach(() => start({ adminToken: TOKEN }));

  test('a record comes with exact money, RFC 3339 times and the next cursor', async () => {
    const reply = await get('/api/v1/usage');
    expect(reply.statusCode).toBe(200);
    expect(reply.json()).toMatchObject({
      nextCursor: 'next',
      data: [
        {
          requestId: 'req_1',
          tenant: 'acme',
          startedAt: '2026-11-20T12:00:00.123Z',
          outputTokens: 20,
          costNanoUsd: '330000',
          costUsd: '0.000330000',
          firstTokenMs: null,
          clientRequestId: null,
          losses: [{ feature: 'top_k', path: 'top_k' }],
        },
      ],
    });
    expect(queries.asked).toEqual([{ filter: {}, rest: { limit: 100 } }]);
  });

  test('every parameter reaches the store', async () => {
    const query = 'tenant=acme&key=key_1&model=m&from=2026-11-20&to=2026-11-20T12:00:00%2B02:00&limit=7&cursor=c';
    expect((await get(`/api/v1/usage?${query}`)).statusCode).toBe(200);
    const filter = {
      tenantId: 'acme',
      keyId: 'key_1',
      model: 'm',
      fromMs: Date.parse('2026-11-20T00:00:00Z'),
      toMs: Date.parse('2026-11-20T10:00:00Z'),
    };
    expect(queries.asked).toEqual([{ filter, rest: { limit: 7, cursor: 'c' } }]);
  });

  test('totals keep money exact beyond what a JavaScript number holds', async () => {
    const reply = await get('/api/v1/usage?groupBy=key');
    expect(reply.json()).toMatchObject({
      truncated: false,
      data: [{ group: 'key_1', requests: 2, costNanoUsd: '12345678901234567890', costUsd: '12345678901.234567890' }],
    });
    expect(queries.asked).toEqual([{ filter: {}, rest: ['key', 100] }]);
  });

  test('every fault of a query is named at once', async () => {
    const reply = await get('/api/v1/usage?limit=0&from=yesterday&groupBy=color&format=xml&tenat=x&key=a&key=b');
    expect(reply.statusCode).toBe(400);
    const { error } = reply.json<{ error: { code: string; faults: { path: string; message: string }[] } }>();
    expect(error.code).toBe('invalid_query');
    expect(error.faults.map(({ path }) => path).sort()).toEqual(['', 'format', 'from', 'groupBy', 'key', 'limit']);
    expect(JSON.stringify(error.faults)).toContain('tenat');
    expect(queries.asked).toEqual([]);
  });

  test.each([
    ['from=2026-11-21&to=2026-11-20', 'to'],
    ['cursor=c&groupBy=day', 'cursor'],
    ['cursor=nonsense', 'cursor'],
  ])('%s is refused', async (query, path) => {
    const reply = await get(`/api/v1/usage?${query}`);
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toMatchObject({ error: { faults: [{ path }] } });
  });

  test('CSV has a header row, quotes what needs it, and cannot smuggle a formula into a spreadsheet', async () => {
    const reply = await get('/api/v1/usage?format=csv');
    expect(reply.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(reply.headers['x-next-cursor']).toBe('next');
    const [header, row, end] = reply.body.split('\r\n');
    expect(header?.split(',').slice(0, 3)).toEqual(['requestId', 'startedAt', 'tenant']);
    expect(row).toContain('req_1,2026-11-20T12:00:00.123Z,acme,key_1,sonnet');
    expect(row).toContain('"[{""feature"":""top_k"",""path"":""top_k""}]"');
    expect(row).toContain(`"'=HYPERLINK(""http://evil"")"`);
    expect(end).toBe('');
  });

  test('totals come as CSV too', async () => {
    const reply = await get('/api/v1/usage?groupBy=key&format=csv');
    expect(reply.body.split('\r\n')[1]).toBe('key_1,2,20,0,0,0,40,0,12345678901.234567890');
  });

  test('a store that is away gives 503, its reason in the log and not in the answer', async () => {
    queries.fault = new Error('connect ECONNREFUSED 10.1.2.3:5432');
    const reply = await get('/api/v1/usage');
    expect(reply.statusCode).toBe(503);
    expect(reply.json()).toMatchObject({ error: { code: 'usage_unavailable' } });
    expect(reply.body).not.toContain('10.1.2.3');
    expect(logged.join()).toContain('10.1.2.3');
  });
});
