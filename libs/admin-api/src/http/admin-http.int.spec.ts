import { BusUnavailableError, type UsageRecordedV1 } from '@switchboard/contracts';
import { AdminApp, type Answer, type Call } from './__fixtures__/admin-app';
import { loggedCall } from './__fixtures__/calls-in-memory';
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

/** Every reply of every test is as the OpenAPI document says. */
afterEach(() => {
  expect(admin.faults.splice(0)).toEqual([]);
});

const call = (method: Call['method'], path: string, body?: unknown, rest: Partial<Call> = {}): Promise<Answer> =>
  admin.call({ method, path: `/api/v1/${path}`, body, ...rest });
const get = (path: string, query?: Record<string, string>): Promise<Answer> => call('GET', path, undefined, { query });

async function tenant(id: string): Promise<void> {
  expect((await call('POST', 'tenants', { id })).status).toBe(201);
}

async function key(tenantId: string, fields: object = {}): Promise<{ id: string; key: string }> {
  const made = await call('POST', 'keys', { tenant: tenantId, name: 'ci', ...fields });
  expect(made.status).toBe(201);
  return made.body;
}

const TOKENS = {
  inputTokens: 10,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 20,
  reasoningTokens: 0,
};

function used(fields: Partial<UsageRecordedV1>): UsageRecordedV1 {
  return {
    ...{ requestId: `req_${admin.usage.records.length}`, tenantId: 'none', keyId: 'key_none', requestedModel: 'echo' },
    ...{ model: 'sim/echo', upstream: 'sim', clientDialect: 'openai-chat', upstreamDialect: 'openai-chat' },
    ...{ stream: false, usage: TOKENS, costNanoUsd: 1_000_000_000, accuracy: 'exact' },
    ...{ startedAtMs: Date.now(), latencyMs: 5, attempts: 1, finish: 'stop', status: 200, losses: [] },
    ...fields,
  };
}

const PROVIDER = { kind: 'openai-compatible', baseUrl: 'https://api.example.com/v1', apiKey: 'sk-very-secret' };
const MODEL = {
  displayName: 'Big',
  contextWindow: 1000,
  maxOutputTokens: 100,
  pricing: { input: 1, output: 2 },
};

describe('tenants and keys', () => {
  test('a tenant is made, changed, listed and removed', async () => {
    const made = await call('POST', 'tenants', { id: 'acme', name: 'Acme', budget: { usd: 5, period: 'month' } });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ id: 'acme', name: 'Acme', active: true, managedBy: 'api', budget: { usd: 5 } });
    const changed = await call('PATCH', 'tenants/acme', { limits: { rpm: 5 }, budget: null });
    expect(changed.body).toMatchObject({ id: 'acme', name: 'Acme', limits: { rpm: 5 }, budget: null });
    expect((await get('tenants')).body).toMatchObject({ data: [{ id: 'acme' }], nextCursor: null });
    expect((await call('DELETE', 'tenants/acme')).body).toEqual({ id: 'acme', deleted: true });
    for (const path of ['tenants/acme', 'credits/acme', 'credits/acme/ledger'])
      expect((await get(path)).status).toBe(404);
    expect((await call('PATCH', 'tenants/acme', {})).status).toBe(404);
  });

  test('a key shows its plaintext when made and when rotated, and never again', async () => {
    await tenant('keyed');
    const { id, key: first } = await key('keyed', { budget: { usd: 1, period: 'day' }, ips: ['10.0.0.0/8'] });
    expect(first).toMatch(/^cm_live_/);
    const rotated = await call('POST', `keys/${id}/rotate`, { overlapSeconds: 60 });
    expect(rotated.body).toMatchObject({ id, secrets: [{ expiresAt: null }, { expiresAt: expect.any(String) }] });
    expect(rotated.body.key).not.toBe(first);
    const seen = [await get(`keys/${id}`), await get('keys', { tenant: 'keyed' }), await get('audit')];
    for (const { text } of seen) {
      expect(text).not.toContain(first);
      expect(text).not.toContain(rotated.body.key);
    }
  });

  test('a key is revoked for good', async () => {
    await tenant('revoking');
    const { id } = await key('revoking');
    expect((await call('POST', `keys/${id}/revoke`)).body).toMatchObject({ id, revoked: true });
    expect((await call('POST', `keys/${id}/revoke`)).status).toBe(200);
    expect((await call('POST', `keys/${id}/rotate`)).status).toBe(409);
    for (const action of ['rotate', 'revoke']) expect((await call('POST', `keys/key_no/${action}`)).status).toBe(404);
    expect((await get('keys/key_no')).status).toBe(404);
    expect((await get('keys/key_no/rate-state')).status).toBe(404);
  });

  test('lists come in pages, each once', async () => {
    await tenant('paged');
    const made = [(await key('paged')).id, (await key('paged')).id, (await key('paged')).id].sort();
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Answer = await get('keys', { tenant: 'paged', limit: '2', ...(cursor === '' ? {} : { cursor }) });
      seen.push(...page.body.data.map(({ id }: { id: string }) => id));
      cursor = page.body.nextCursor;
    }
    expect(seen).toEqual(made);
  });
});

describe('catalog', () => {
  test('a provider never shows its credential', async () => {
    const made = await call('POST', 'providers', { id: 'up', ...PROVIDER, headers: { 'x-extra': 'also-secret' } });
    expect(made.status).toBe(201);
    const changed = await call('PATCH', 'providers/up', { tier: 1 });
    expect(changed.body).toMatchObject({ id: 'up', tier: 1, hasApiKey: true, headerNames: ['x-extra'] });
    const seen = [made, changed, await get('providers'), await get('providers/up'), await get('audit')];
    for (const { text } of seen) expect(text).not.toMatch(/sk-very-secret|also-secret/);
    expect((await call('DELETE', 'providers/up')).status).toBe(200);
    expect((await get('providers/up')).status).toBe(404);
  });

  test('a provider in a private network is refused unless that is meant', async () => {
    const body = { id: 'inner', kind: 'openai-compatible', baseUrl: 'http://10.0.0.1/v1' };
    const refused = await call('POST', 'providers', body);
    expect(refused.status).toBe(400);
    expect(refused.body.error.faults).toMatchObject([{ path: 'baseUrl' }]);
    expect((await call('POST', 'providers', { ...body, trustedNetwork: true })).status).toBe(201);
    await call('DELETE', 'providers/inner');
  });

  test('a provider at Azure has an API version, until it is taken away', async () => {
    const body = {
      id: 'azure',
      kind: 'azure-openai',
      baseUrl: 'https://res.openai.azure.com',
      apiVersion: '2024-10-21',
    };
    expect((await call('POST', 'providers', body)).body).toMatchObject({ apiVersion: '2024-10-21' });
    const other = await call('PATCH', 'providers/azure', { kind: 'openai-compatible' });
    expect(other.body.error.faults).toMatchObject([{ path: 'apiVersion' }]);
    expect((await call('PATCH', 'providers/azure', { apiVersion: null })).body).toMatchObject({ apiVersion: null });
    await call('DELETE', 'providers/azure');
  });

  test.each([
    ['as they are', 'models/org/family/big-1'],
    ['encoded', 'models/org%2Ffamily%2Fbig-1'],
  ])('a model is reached with the slashes of its id %s', async (_how, path) => {
    await call('POST', 'providers', { id: 'up', ...PROVIDER });
    const body = { id: 'org/family/big-1', ...MODEL, upstreams: [{ provider: 'up', model: 'big' }] };
    expect((await call('POST', 'models', body)).status).toBe(201);
    expect((await get(path)).body).toMatchObject({ id: 'org/family/big-1', pricing: { input: 1, output: 2 } });
    const changed = await call('PATCH', path, { pricing: { input: 3, output: 4 } });
    expect(changed.body.pricing).toMatchObject({ input: 3, output: 4 });
    expect((await get('models')).body.data).toHaveLength(1);
    const { data } = (await get('models/org%2Ffamily%2Fbig-1/prices?limit=1')).body;
    expect(data).toMatchObject([{ prices: { input: 3 }, state: 'current', actor: 'admin-token' }]);
    expect((await call('DELETE', path)).body).toEqual({ id: 'org/family/big-1', deleted: true });
    expect((await get(path)).status).toBe(404);
    await call('DELETE', 'providers/up');
  });
});

describe('money', () => {
  test('a budget shows what its period has cost so far, and what is left', async () => {
    await tenant('spender');
    const { id } = await key('spender');
    expect((await call('PUT', 'budgets/tenants/spender', { usd: 10, period: 'total' })).status).toBe(200);
    expect((await call('PUT', `budgets/keys/${id}`, { usd: 1.5, period: 'day' })).body.budget).toMatchObject({
      usd: 1.5,
    });
    admin.usage.records = [
      used({ tenantId: 'spender', keyId: id }),
      used({ tenantId: 'spender', keyId: id, upstream: 'other', startedAtMs: Date.now() - 25 * 3_600_000 }),
      used({ tenantId: 'spender', keyId: 'key_else', costNanoUsd: 1 }),
      used({ tenantId: 'somebody-else', keyId: id }),
    ];
    const { body } = await get('budgets', { tenant: 'spender' });
    expect(body.data).toMatchObject([
      { owner: 'tenant', id: 'spender', spentUsd: '2.000000001', remainingNanoUsd: '7999999999', periodStart: null },
      { owner: 'key', id, spentUsd: '1.000000000', remainingUsd: '0.500000000' },
    ]);
    const first = await get('budgets', { tenant: 'spender', limit: '1' });
    const second = await get('budgets', { tenant: 'spender', limit: '1', cursor: first.body.nextCursor });
    expect([first, second].map((page) => page.body.data[0].owner)).toEqual(['tenant', 'key']);
    expect(second.body.nextCursor).toBeNull();
    for (const path of ['budgets/tenants/spender', `budgets/keys/${id}`]) await call('DELETE', path);
    expect((await get('budgets', { tenant: 'spender' })).body.data).toEqual([]);
  });

  test('credits are what was paid in less what was used', async () => {
    await tenant('prepaid');
    admin.usage.records = [used({ tenantId: 'prepaid', costNanoUsd: 3_500_000_000 })];
    expect((await call('POST', 'credits/prepaid/top-ups', { usd: 2, note: 'first' })).status).toBe(201);
    expect((await call('POST', 'credits/prepaid/top-ups', { usd: 1 })).body).toMatchObject({ usd: 1, kind: 'top_up' });
    expect((await get('credits/prepaid')).body).toMatchObject({
      ...{ paidUsd: '3.000000000', spentUsd: '3.500000000', balanceUsd: '-0.500000000', balanceNanoUsd: '-500000000' },
    });
    const [first] = (await get('credits/prepaid/ledger')).body.data.slice(-1);
    const justAfter = new Date(Date.parse(first.createdAt) + 1).toISOString();
    const then = (at: string) => get('credits/prepaid', { at });
    expect((await then(first.createdAt)).body).toMatchObject({ paidUsd: '0.000000000' });
    expect((await then(justAfter)).body).toMatchObject({ paidUsd: '2.000000000' });
    expect((await then('2026-01-01')).body).toMatchObject({ balanceUsd: '0.000000000', spentUsd: '0.000000000' });
    expect((await then('yesterday')).status).toBe(400);
    const ledger = await get('credits/prepaid/ledger', { limit: '1' });
    expect(ledger.body.data).toMatchObject([{ usd: 1 }]);
    const rest = await get('credits/prepaid/ledger', { cursor: ledger.body.nextCursor });
    expect(rest.body).toMatchObject({ data: [{ usd: 2, note: 'first' }], nextCursor: null });
    expect((await call('POST', 'credits/nobody/top-ups', { usd: 1 })).status).toBe(404);
  });
});

describe('refused usage', () => {
  const id = 'c'.repeat(64);
  const path = `usage/refused/${id}`;

  beforeEach(() => {
    const payload = '{"requestId":"req_1"}';
    admin.refused.fault = undefined;
    admin.refused.records = [{ id, receivedAtMs: 1_000, reason: 'events[0] is odd', payload, refusals: 1 }];
  });

  test('is listed, shown, replayed and dismissed, and who did so is in the audit log', async () => {
    expect((await get('usage/refused', { state: 'waiting' })).body.data).toMatchObject([{ id, state: 'waiting' }]);
    expect((await get(path)).body).toMatchObject({ reason: 'events[0] is odd', payload: '{"requestId":"req_1"}' });
    expect((await call('POST', `${path}/replay`)).body).toMatchObject({ state: 'replayed' });
    expect((await call('POST', `${path}/dismiss`)).body).toMatchObject({ state: 'dismissed' });
    const { body } = await get('audit', { resource: `refused-usage:${id}` });
    expect(body.data).toMatchObject([
      { action: 'refused-usage.dismiss', before: { state: 'replayed' }, after: { state: 'dismissed' } },
      { action: 'refused-usage.replay', before: { state: 'waiting' }, after: { state: 'replayed' } },
    ]);
    expect(JSON.stringify(body.data)).not.toContain('req_1');
  });

  test('that is not there is 404; a stream that is away is 503, and neither is audited', async () => {
    const before = (await get('audit', { resource: 'refused-usage' })).body.data.length;
    expect((await call('POST', `usage/refused/${'d'.repeat(64)}/replay`)).status).toBe(404);
    admin.refused.fault = new BusUnavailableError('nats is away');
    const answer = await call('POST', `${path}/replay`);
    expect([answer.status, answer.body.error.code]).toEqual([503, 'bus_unavailable']);
    expect((await get('audit', { resource: 'refused-usage' })).body.data).toHaveLength(before);
  });
});

describe('reconciliations', () => {
  const found = { breach: 'a rollup is not', id: 'acme', expected: '1', found: '2' };
  const counts = { usageRows: 3 };
  const first = { id: '1', startedAtMs: 1_000, finishedAtMs: 2_000, balanced: true, differenceCount: 0 };

  test('are listed a page at a time, with what differed and what was on its way', async () => {
    admin.reconciliations.records = [
      { ...first, id: '2', balanced: false, differenceCount: 1, differences: [found], counts, stream: { pending: 4 } },
      { ...first, differences: [], counts },
    ];
    const { body } = await get('ledger/reconciliations', { limit: '1' });
    expect(body.data).toMatchObject([{ id: '2', balanced: false, differences: [found], stream: { pending: 4 } }]);
    const last = await get('ledger/reconciliations', { limit: '1', cursor: body.nextCursor });
    expect(last.body).toMatchObject({
      nextCursor: null,
      data: [{ finishedAt: '1970-01-01T00:00:02.000Z', stream: null }],
    });
    expect((await get('ledger/reconciliations', { cursor: 'nonsense' })).status).toBe(400);
  });
});

describe('logged calls', () => {
  const served = loggedCall({
    ...{ requestId: 'req_served', tenantId: 'one', requestedModel: 'echo', model: 'sim/echo', upstream: 'sim' },
    ...{ stream: true, status: 200, outcome: 'stop', costNanoUsd: 123_000, accuracy: 'exact', firstTokenMs: 2 },
    ...{ usage: TOKENS, userAgent: '=sdk/1.0', prompt: 'the moon', promptTruncated: true },
  });
  const refused = loggedCall({ requestId: 'req_refused', tenantId: 'two' });

  beforeEach(() => (admin.calls.calls = [served, refused]));

  test('are listed and shown one by one, without prompts', async () => {
    const { body } = await get('calls', { limit: '1' });
    expect(body).toMatchObject({ nextCursor: '1', data: [{ requestId: 'req_served', costUsd: '0.000123000' }] });
    expect((await get('calls', { outcome: 'ip_not_allowed', status: '403' })).body.data).toEqual([
      (await get('calls/req_refused')).body,
    ]);
    expect((await get('calls/req_refused')).body).toMatchObject({ model: null, outputTokens: null, costUsd: null });
    expect((await get('calls/no-such')).status).toBe(404);
    const csv = await get('calls', { format: 'csv' });
    expect(csv.text).toContain("'=sdk/1.0");
    for (const { text } of [csv, await get('calls'), await get('calls/req_served')]) {
      expect(text).not.toContain('the moon');
      expect(text).not.toContain('prompt');
    }
    expect((await get('audit', { action: 'call.read_prompt' })).body.data).toEqual([]);
  });

  test('with prompts are a reading that is audited, once for each tenant, before it is answered', async () => {
    admin.calls.calls.push(loggedCall({ requestId: 'req_3', tenantId: 'two', prompt: 'the sun' }));
    const { body } = await get('calls', { prompts: 'true', limit: '100' });
    expect(body.data.map(({ prompt }: { prompt: string }) => prompt)).toEqual(['the moon', null, 'the sun']);
    expect((await get('calls/req_served', { prompts: 'true' })).body).toMatchObject({ promptTruncated: true });
    expect((await get('calls', { prompts: 'true', format: 'csv' })).text).toContain(',the moon,true');
    const { data } = (await get('audit', { action: 'call.read_prompt', tenant: 'one' })).body;
    expect(data.map(({ resourceId, actor }: Record<string, string>) => [resourceId, actor])).toEqual(
      Array(3).fill(['req_served', 'admin-token']),
    );
    expect(data[2].after).toMatchObject({ asked: { prompts: 'true' }, requestIds: ['req_served'] });
    expect((await get('audit', { action: 'call.read_prompt', tenant: 'two' })).body.data).toHaveLength(2);
    expect((await get('calls', { prompts: 'true', limit: '101' })).status).toBe(400);
  });

  test('that cannot be read now are 503', async () => {
    admin.calls.fault = new Error('away');
    const replies = [await get('calls'), await get('calls/req_served')];
    admin.calls.fault = undefined;
    expect(replies.map(({ status, body }) => [status, body.error.code])).toEqual(
      Array(2).fill([503, 'calls_unavailable']),
    );
  });

  test('are kept as long as their tenant says, which takes an admin of the platform', async () => {
    await tenant('keeps');
    expect((await get('tenants/keeps')).body.callLogRetentionDays).toBeNull();
    const set = (days: unknown): Promise<Answer> => call('PATCH', 'tenants/keeps', { callLogRetentionDays: days });
    expect((await set(7)).body.callLogRetentionDays).toBe(7);
    expect((await call('PATCH', 'tenants/keeps', { name: 'Keeps' })).body.callLogRetentionDays).toBe(7);
    expect([(await set(0)).status, (await set(1.5)).status, (await set(null)).body.callLogRetentionDays]).toEqual([
      ...[400, 400, null],
    ]);
    const { data } = (await get('audit', { resource: 'tenant:keeps', action: 'tenant.update' })).body;
    expect(data.at(-1)).toMatchObject({ before: { callLogRetentionDays: null }, after: { callLogRetentionDays: 7 } });
  });
});

describe('usage and audit', () => {
  test('usage comes by provider as well', async () => {
    admin.usage.records = [used({ upstream: 'a' }), used({ upstream: 'b' })];
    const { body } = await get('usage', { groupBy: 'provider' });
    expect(body.data.map(({ group }: { group: string }) => group)).toEqual(['a', 'b']);
    expect((await get('usage')).body.data).toHaveLength(2);
  });

  test('every change is told with who, what, before and after; filters narrow and combine', async () => {
    await tenant('audited');
    await call('PATCH', 'tenants/audited', { name: 'New name' });
    const { id } = await key('audited');
    const { body } = await get('audit', { tenant: 'audited' });
    expect(body.data).toMatchObject([
      { actor: 'admin-token', action: 'key.create', resourceType: 'key', resourceId: id, before: null },
      { action: 'tenant.update', before: { name: 'audited' }, after: { name: 'New name' } },
      { action: 'tenant.create', resourceType: 'tenant', tenant: 'audited' },
    ]);
    const count = async (query: Record<string, string>): Promise<number> =>
      (await get('audit', { tenant: 'audited', ...query })).body.data.length;
    expect(await count({ action: 'key.create' })).toBe(1);
    expect(await count({ resource: 'tenant' })).toBe(2);
    expect(await count({ resource: `key:${id}` })).toBe(1);
    expect(await count({ resource: 'key:other' })).toBe(0);
    expect(await count({ actor: 'admin-token' })).toBe(3);
    expect(await count({ actor: 'oidc:x' })).toBe(0);
    expect(await count({ from: new Date(Date.now() + 60_000).toISOString() })).toBe(0);
    expect(await count({ to: new Date(Date.now() + 60_000).toISOString() })).toBe(3);
    const first = await get('audit', { tenant: 'audited', limit: '2' });
    expect((await get('audit', { tenant: 'audited', cursor: first.body.nextCursor })).body.data).toHaveLength(1);
  });

  test('the audit log comes as CSV, the next page in a header', async () => {
    await tenant('tabular');
    await call('PATCH', 'tenants/tabular', { name: '=HYPERLINK("http://evil")' });
    const reply = await get('audit', { tenant: 'tabular', format: 'csv', limit: '1' });
    expect(reply.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(reply.headers['x-next-cursor']).toEqual(expect.any(String));
    const [header, row] = reply.text.split('\r\n');
    expect(header).toBe('id,at,actor,action,resourceType,resourceId,tenant,before,after');
    expect(row).toContain('admin-token,tenant.update,tenant,tabular,tabular,"{""');
  });
});

describe('system', () => {
  test('explanations come from the router; its absence is told as such', async () => {
    expect((await get('routing/explain', { model: 'x' })).body).toMatchObject({ requested: 'x', found: false });
    admin.explainer.fault = new BusUnavailableError('nobody serves it');
    const reply = await get('routing/explain', { model: 'x' });
    admin.explainer.fault = undefined;
    expect(reply.status).toBe(503);
    expect(reply.body.error.code).toBe('router_unavailable');
  });

  test('what gateway.yaml would change is told', async () => {
    expect((await get('config/diff')).body).toMatchObject({ source: 'environment', valid: true });
  });

  test('the document needs no token and is OpenAPI 3.1', async () => {
    const { status, body } = await admin.raw({ method: 'GET', path: '/api/v1/openapi.json' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ openapi: '3.1.0', components: { securitySchemes: { adminToken: { type: 'http' } } } });
    const { parameters, requestBody } = body.paths['/api/v1/keys'].post;
    expect(parameters).toMatchObject([{ name: 'Idempotency-Key', in: 'header' }]);
    expect(requestBody.content['application/json'].schema).toMatchObject({ required: ['name', 'tenant'] });
  });

  test('every registered route is in the document, and every one in it is registered', async () => {
    const { body } = await admin.raw({ method: 'GET', path: '/api/v1/openapi.json' });
    const documented = Object.entries<object>(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const registered = admin.routes
      .filter(({ method, path }) => method !== 'HEAD' && path.startsWith('/api'))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}').replace('*', '{id}')}`);
    expect(registered.length).toBeGreaterThan(30);
    expect([...new Set(registered)].sort()).toEqual(documented.sort());
  });

  test('every route but the document’s wants credentials', async () => {
    for (const { method, path } of admin.routes.filter(({ path }) => path.startsWith('/api'))) {
      const { status } = await admin.raw({ method: method as Call['method'], path: path.replace('*', 'x') });
      expect([path, status]).toEqual([path, path === '/api/v1/openapi.json' ? 200 : 401]);
    }
  });
});
