import { BUCKETS, bucketKey, encodeJson, type HeartbeatV1 } from '@switchboard/contracts';
import { AdminApp, type Answer, type Call, TOKEN } from './__fixtures__/admin-app';
import { startDatabase, type TestDatabase } from './__fixtures__/database';

jest.setTimeout(60_000);

let database: TestDatabase;
let admin: AdminApp;

beforeAll(async () => {
  database = await startDatabase();
  admin = await AdminApp.start({ databaseUrl: database.postgres.url });
});

afterAll(async () => {
  await admin.stop();
  await database.stop();
});

afterEach(() => {
  expect(admin.faults.splice(0)).toEqual([]);
});

const call = (method: Call['method'], path: string, body?: unknown, idempotencyKey?: string): Promise<Answer> =>
  admin.call({ method, path: `/api/v1/${path}`, body, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) });
const faultPaths = ({ body }: Answer): string[] => body.error.faults.map(({ path }: { path: string }) => path).sort();

describe('Idempotency-Key', () => {
  test('the same request gets the first reply again, plaintext key included, and does nothing', async () => {
    await call('POST', 'tenants', { id: 'once' });
    const body = { tenant: 'once', name: 'ci' };
    const first = await call('POST', 'keys', body, 'make-a-key');
    const second = await call('POST', 'keys', body, 'make-a-key');
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    expect(second.headers['idempotent-replayed']).toBe('true');
    expect([second.status, second.body]).toEqual([201, first.body]);
    expect((await call('GET', 'keys?tenant=once')).body.data).toHaveLength(1);
    // Another name for the request, for each is told apart in the log.
    expect(second.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
  });

  test('another body, path or method under the same key is refused and does nothing', async () => {
    for (const id of ['conflict-1', 'conflict-2']) await call('POST', 'tenants', { id });
    expect((await call('POST', 'credits/conflict-1/top-ups', { usd: 1 }, 'k1')).status).toBe(201);
    expect((await call('PATCH', 'tenants/conflict-1', {}, 'k2')).status).toBe(200);
    const others = [
      await call('POST', 'credits/conflict-1/top-ups', { usd: 2 }, 'k1'),
      await call('POST', 'credits/conflict-2/top-ups', { usd: 1 }, 'k1'),
      await call('DELETE', 'tenants/conflict-1', {}, 'k2'),
    ];
    for (const { status, body } of others) {
      expect([status, body.error.code]).toEqual([409, 'idempotency_conflict']);
    }
    expect((await call('GET', 'credits/conflict-1')).body.paidUsd).toBe('1.000000000');
    expect((await call('GET', 'credits/conflict-2')).body.paidUsd).toBe('0.000000000');
    expect((await call('GET', 'tenants/conflict-1')).status).toBe(200);
  });

  test('a deletion replays after its object is gone', async () => {
    await call('POST', 'tenants', { id: 'gone' });
    const replies = [
      await call('DELETE', 'tenants/gone', undefined, 'k-gone'),
      await call('DELETE', 'tenants/gone', undefined, 'k-gone'),
    ];
    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
    expect(replies[1]!.headers['idempotent-replayed']).toBe('true');
    expect((await call('DELETE', 'tenants/gone')).status).toBe(404);
  });

  test('of requests that come at once, one is carried out and all get its reply', async () => {
    await call('POST', 'tenants', { id: 'crowd' });
    const replies = await Promise.all(
      Array.from({ length: 4 }, () => call('POST', 'credits/crowd/top-ups', { usd: 5 }, 'k3')),
    );
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
    expect((await call('GET', 'credits/crowd')).body.paidUsd).toBe('5.000000000');
  });

  test('a request that failed may be mended under the same key', async () => {
    expect((await call('POST', 'keys', { tenant: 'unborn', name: 'ci' }, 'k4')).status).toBe(404);
    await call('POST', 'tenants', { id: 'unborn' });
    expect((await call('POST', 'keys', { tenant: 'unborn', name: 'ci' }, 'k4')).status).toBe(201);
  });

  test.each(['', 'has space', 'ü', 'x'.repeat(256)])('%j is no such key', async (text) => {
    const reply = await call('POST', 'tenants', { id: 'never' }, text);
    expect(reply.status).toBe(400);
    expect(faultPaths(reply)).toEqual(['Idempotency-Key']);
  });
});

describe('bad requests', () => {
  test('every fault of a body is named at once, unknown fields too', async () => {
    const reply = await call('POST', 'keys', {
      name: 'a b',
      kind: 'robot',
      colour: 1,
      logging: { all: true },
      ips: ['x'],
    });
    expect(reply.status).toBe(400);
    expect(reply.body.error.code).toBe('invalid_body');
    expect(faultPaths(reply)).toEqual(['colour', 'ips.0', 'kind', 'logging.all', 'name', 'tenant']);
  });

  test('a query or a body where there is none to be is refused', async () => {
    expect(faultPaths(await call('GET', 'keys?tenat=x&limit=0'))).toEqual(['', 'limit']);
    expect((await call('GET', 'tenants/x?verbose=1')).status).toBe(400);
    expect(faultPaths(await call('POST', 'keys/key_x/revoke', { reason: 'x' }))).toEqual(['reason']);
    expect((await call('POST', 'tenants', [])).status).toBe(400);
    expect((await call('POST', 'tenants', 'text')).status).toBe(400);
  });

  test.each(['keys', 'tenants', 'audit', 'budgets', 'providers', 'models', 'usage'])(
    'a cursor that no page of %s gave is refused',
    async (path) => {
      for (const cursor of ['%00', '~', 'AA', '💥']) {
        const reply = await call('GET', `${path}?cursor=${encodeURIComponent(cursor)}`);
        // One may look like a place in a list of names; then it is one.
        if (reply.status !== 200) expect([reply.status, faultPaths(reply)]).toEqual([400, ['cursor']]);
      }
      expect((await call('GET', `${path}?cursor=`)).status).toBe(400);
    },
  );

  test('a character that no text may hold is refused wherever it stands', async () => {
    await call('POST', 'tenants', { id: 'nul' });
    const replies = [
      await call('PATCH', 'tenants/nul', { name: 'a\0b' }),
      await call('POST', 'credits/nul/top-ups', { usd: 1, note: '\0' }),
      await call('GET', 'tenants/a%00b'),
      await call('GET', 'keys/a%00b'),
      await call('GET', 'audit?actor=%00'),
    ];
    expect(replies.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400]);
  });

  test('malformed JSON is 400, too long a body 413, another type 415; each as an error of the API', async () => {
    const path = '/api/v1/tenants';
    const post = (payload: string, type = 'application/json'): Promise<Answer> =>
      admin.raw({ method: 'POST', path, token: TOKEN, payload, headers: { 'content-type': type } });
    const replies = [
      await post('{"id":'),
      await post(JSON.stringify({ id: 'x', name: 'x'.repeat(1024 * 1024) })),
      await post('<id>x</id>', 'application/xml'),
    ];
    expect(replies.map(({ status, body }) => [status, body.error.code])).toEqual([
      [400, 'malformed_body'],
      [413, 'body_too_large'],
      [415, 'unsupported_media_type'],
    ]);
    for (const { headers } of replies) expect(headers['x-request-id']).toMatch(/^req_/);
  });

  test('a body cannot reach into what objects are made of', async () => {
    const payload = '{"id":"proto","__proto__":{"name":"x"}}';
    const reply = await admin.raw({
      ...{ method: 'POST', path: '/api/v1/tenants', token: TOKEN, payload },
      headers: { 'content-type': 'application/json' },
    });
    expect(reply.status).toBe(400);
  });

  test('an unknown route is 404, a known one by another method 405 that says which', async () => {
    const unknown = await admin.raw({ method: 'GET', path: '/api/v1/tennants', token: TOKEN });
    expect([unknown.status, unknown.body.error.code]).toEqual([404, 'route_not_found']);
    const method = await admin.raw({ method: 'DELETE', path: '/api/v1/tenants', token: TOKEN });
    expect([method.status, method.body.error.code, method.headers['allow']]).toEqual([
      405,
      'method_not_allowed',
      'GET, POST',
    ]);
    const model = await admin.raw({ method: 'POST', path: '/api/v1/models/a/b', token: TOKEN });
    expect(model.headers['allow']).toBe('GET, PATCH, DELETE');
    for (const { headers } of [unknown, method, model]) expect(headers['x-request-id']).toMatch(/^req_/);
  });
});

describe('system health', () => {
  const beat = (fields: Partial<HeartbeatV1>): HeartbeatV1 => ({
    ...{
      service: 'router',
      instance: 'r-1',
      version: '0.1.0',
      startedAtMs: 1,
      sentAtMs: 2,
      status: 'ready',
      checks: {},
    },
    ...fields,
  });
  const tell = (heartbeat: HeartbeatV1): Promise<number> =>
    admin.bus
      .bucket(BUCKETS.services)
      .put(bucketKey.heartbeat(heartbeat.service, heartbeat.instance), encodeJson(heartbeat));

  test('services are shown as they beat, the missing ones as missing, with queue, outbox and stores', async () => {
    await tell(beat({ checks: { nats: { status: 'down', required: true, error: 'gone' } }, status: 'unavailable' }));
    await tell(beat({ instance: 'r-2', status: 'degraded' }));
    const { status, body } = await call('GET', 'health');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ status: 'degraded', bus: { status: 'up' }, postgres: { status: 'up' } },
      ...{ usageQueue: { pending: 3, unacknowledged: 1 }, outbox: { depth: expect.any(Number) } },
    });
    const services = body.services.map(({ service, status }: { service: string; status: string }) => [service, status]);
    expect(services).toEqual([
      ['admin-api', 'missing'],
      ['edge-api', 'missing'],
      ['metering', 'missing'],
      ['rate-limit', 'missing'],
      ['router', 'degraded'],
    ]);
    expect(body.services[4].instances[0].checks).toEqual({ nats: { status: 'down', required: true, error: 'gone' } });
    expect(body.routing).toMatchObject({
      ...{ leader: 'router-1', snapshotVersion: 41, snapshotAt: '2026-11-20T12:00:00.000Z' },
      providers: [{ provider: 'sim', refusal: null, quotaLeft: 0.5, probe: { result: 'passing' } }],
      upstreams: [
        { model: 'down', state: 'open', reason: 'it failed', retryAt: '2026-11-20T12:00:02.000Z', firstTokenMs: null },
        { model: 'well', state: 'healthy', reason: null, retryAt: null, firstTokenMs: 350, calls: { failed: 3 } },
      ],
    });
    admin.explainer.fault = new BusUnavailableError('nobody leads');
    expect((await call('GET', 'health')).body.routing).toBeNull();
    admin.explainer.fault = undefined;
  });

  test('a process that falls silent is shown as stale, one that stopped in order is gone', async () => {
    await tell(beat({}));
    await tell(beat({ instance: 'r-2' }));
    await admin.bus.bucket(BUCKETS.services).delete(bucketKey.heartbeat('router', 'r-2'));
    const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 13_000);
    const { body } = await call('GET', 'health');
    now.mockRestore();
    expect(body.services[4]).toMatchObject({ status: 'missing', instances: [{ instance: 'r-1', stale: true }] });
  });
});
