import type { UsageRecordedV1 } from '@switchboard/contracts';
import { AdminApp, type Answer, type Call, TOKEN } from './__fixtures__/admin-app';
import { loggedCall } from './__fixtures__/calls-in-memory';
import { startDatabase, type TestDatabase } from './__fixtures__/database';
import { AUDIENCE, Issuer } from './__fixtures__/issuer';

jest.setTimeout(120_000);

/** Occurs in everything that is the victim's, and nowhere else. */
const MARK = 'zq7victim';
const VICTIM = `${MARK}-corp`;
const OWN = 'intruder-inc';
const NOWHERE = 'no-such-thing';

let database: TestDatabase;
let issuer: Issuer;
let admin: AdminApp;
let victimKey: string;
let victimWebhook: string;
let victimExport: string;
let platformWebhook: string;
let ownKey: string;
/** Of pages of the victim's things, as the platform's owner was given them. */
let victimCursors: Record<string, string>;
let tokens: Record<'viewer' | 'admin' | 'owner', string>;

const ROLES = ['viewer', 'admin', 'owner'] as const;
const API = '/api/v1';
const DAY = { from: '2026-11-20', to: '2026-11-21' };

async function made(path: string, body: object): Promise<{ id: string }> {
  const reply = await admin.call({ method: 'POST', path: API + path, body });
  expect(reply.status).toBe(201);
  return reply.body;
}

async function victim(): Promise<void> {
  await made('/tenants', { id: VICTIM, name: `${MARK} name`, budget: { usd: 77, period: 'total' } });
  for (const index of [1, 2]) {
    const budget = { usd: index, period: 'total' };
    const { id } = await made('/keys', { tenant: VICTIM, name: `${MARK}-key-${index}`, budget });
    victimKey = id;
    await made(`/credits/${VICTIM}/top-ups`, { usd: 5, note: `${MARK} note` });
    victimWebhook = (await made('/webhooks', { tenant: VICTIM, url: `https://${MARK}.example.com/${index}` })).id;
    admin.usage.records.push(called(VICTIM, victimKey, `${MARK}-call-${index}`));
    // The second one’s id is that of its key, which the cases know.
    const words = { userAgent: `${MARK} agent`, prompt: `${MARK} prompt` };
    admin.calls.calls.push(loggedCall({ requestId: id, tenantId: VICTIM, keyId: id, ...words }));
  }
}

function called(tenantId: string, keyId: string, requestId: string): UsageRecordedV1 {
  const tokenCounts = { inputTokens: 1, cacheReadTokens: 0, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 };
  return {
    ...{ requestId, tenantId, keyId, requestedModel: `${requestId}-m`, model: `${requestId}-model`, upstream: 'sim' },
    ...{ clientDialect: 'openai-chat', upstreamDialect: 'openai-chat', stream: false, costNanoUsd: 5 },
    ...{ usage: { ...tokenCounts, outputTokens: 1, reasoningTokens: 0 }, accuracy: 'exact', startedAtMs: Date.now() },
    ...{ latencyMs: 1, attempts: 1, finish: 'stop', status: 200, losses: [] },
  };
}

beforeAll(async () => {
  [database, issuer] = await Promise.all([startDatabase(), Issuer.start()]);
  admin = await AdminApp.start({
    databaseUrl: database.postgres.url,
    oidc: { issuer: issuer.url, audience: AUDIENCE },
  });
  await victim();
  const asked = { kind: 'usage', format: 'csv', tenant: VICTIM, ...DAY };
  const { body } = await admin.call({ method: 'POST', path: `${API}/exports`, body: asked });
  victimExport = body.id;
  await admin.store.prisma.export.update({ where: { id: victimExport }, data: { state: 'done', bytes: 9 } });
  await admin.store.prisma.exportChunk.create({
    data: { exportId: victimExport, position: 0, data: Buffer.from(MARK) },
  });
  platformWebhook = (await made('/webhooks', { url: `https://${MARK}.example.com/all` })).id;
  await made('/tenants', { id: OWN, budget: { usd: 3, period: 'total' } });
  ownKey = (await made('/keys', { tenant: OWN, name: 'own', budget: { usd: 1, period: 'total' } })).id;
  await made(`/credits/${OWN}/top-ups`, { usd: 1 });
  admin.usage.records.push(called(OWN, ownKey, 'own-call'), called(OWN, ownKey, 'own-call-2'));
  for (const requestId of ['own-call', 'own-call-2']) {
    admin.calls.calls.push(loggedCall({ requestId, tenantId: OWN, keyId: ownKey, prompt: 'own prompt' }));
  }
  const lists = ['/keys', '/budgets', '/webhooks', '/audit', '/usage', '/calls', `/credits/${VICTIM}/ledger`];
  const cursors = lists.map(async (path) => {
    const query: Record<string, string> = path.startsWith('/credits') ? {} : { tenant: VICTIM };
    const page = await admin.call({ method: 'GET', path: API + path, query: { ...query, limit: '1' } });
    return [path.split('/')[1], page.body.nextCursor] as const;
  });
  victimCursors = Object.fromEntries(await Promise.all(cursors));
  const signed = ROLES.map(async (role) => {
    const claims = { sub: `intruder-${role}`, switchboard_roles: [`${OWN}:${role}`] };
    return [role, await issuer.sign(claims)] as const;
  });
  tokens = Object.fromEntries(await Promise.all(signed)) as typeof tokens;
});

afterAll(async () => {
  await admin.stop();
  await issuer.stop();
  await database.stop();
});

/** Everything there is of the victim, as the platform's owner sees it, and all that was ever audited. */
async function stateOfVictim(): Promise<string> {
  const paths = [`/tenants/${VICTIM}`, `/credits/${VICTIM}`, `/credits/${VICTIM}/ledger`, '/providers', '/models'];
  const lists = ['/keys', '/budgets', '/webhooks', '/usage', '/calls', '/audit'].map((path) => ({
    path,
    query: { tenant: VICTIM },
  }));
  const replies = await Promise.all(
    [...paths.map((path) => ({ path })), ...lists, { path: '/audit' }].map((one) => {
      return admin.raw({ method: 'GET', token: TOKEN, ...one, path: API + one.path });
    }),
  );
  return replies.map(({ text }) => text).join('\n');
}

interface Attempt {
  path: string;
  query?: Record<string, string>;
  body?: unknown;
}

/** Somebody's things, by their ids. */
interface Whose {
  tenant: string;
  key: string;
  webhook: string;
  export: string;
}

/** What an intruder asks of a route, given somebody's things. */
interface Case {
  attempts(target: Whose): Attempt[];
  /**
   * `hidden`: 404, whatever one's role, as for what does not exist. `forbidden`: the platform's alone, 403. `own`: 200
   * with nothing but what is one's own or everybody's.
   */
  expected: 'hidden' | 'forbidden' | 'own';
}

const hidden = (...attempts: ((target: Whose) => Attempt)[]): Case => ({
  attempts: (target) => attempts.map((attempt) => attempt(target)),
  expected: 'hidden',
});
const forbidden = (attempt: Attempt): Case => ({ attempts: () => [attempt], expected: 'forbidden' });
const own = (...attempts: Attempt[]): Case => ({ attempts: () => attempts, expected: 'own' });
const cursorOf = (list: string): Record<string, string> => ({ cursor: victimCursors[list]! });

/** Every route there is; one that is not here fails the suite. */
const CASES: Record<string, Case[]> = {
  'GET /tenants': [own({ path: '/tenants' }, { path: '/tenants', query: { limit: '1' } })],
  'POST /tenants': [forbidden({ path: '/tenants', body: { id: VICTIM, name: 'mine now' } })],
  'GET /tenants/:id': [hidden(({ tenant }) => ({ path: `/tenants/${tenant}` }))],
  'PATCH /tenants/:id': [
    hidden(
      ({ tenant }) => ({ path: `/tenants/${tenant}`, body: { name: 'mine now' } }),
      ({ tenant }) => ({ path: `/tenants/${tenant}`, body: { active: false, limits: {} } }),
      ({ tenant }) => ({ path: `/tenants/${tenant}`, body: { nonsense: true } }),
    ),
  ],
  'DELETE /tenants/:id': [hidden(({ tenant }) => ({ path: `/tenants/${tenant}` }))],
  'GET /keys': [
    own({ path: '/keys' }, { path: '/keys', query: { limit: '1' } }),
    hidden(({ tenant }) => ({ path: '/keys', query: { tenant } })),
  ],
  'POST /keys': [
    hidden(
      ({ tenant }) => ({ path: '/keys', body: { tenant, name: 'mine' } }),
      ({ tenant }) => ({ path: '/keys', body: { tenant, nonsense: true } }),
    ),
  ],
  'GET /keys/:id': [hidden(({ key }) => ({ path: `/keys/${key}` }))],
  'PATCH /keys/:id': [
    hidden(
      ({ key }) => ({ path: `/keys/${key}`, body: { name: 'mine' } }),
      ({ key }) => ({ path: `/keys/${key}`, body: { tenant: OWN } }),
    ),
  ],
  'POST /keys/:id/rotate': [hidden(({ key }) => ({ path: `/keys/${key}/rotate`, body: { overlapSeconds: 60 } }))],
  'POST /keys/:id/revoke': [hidden(({ key }) => ({ path: `/keys/${key}/revoke` }))],
  'GET /keys/:id/rate-state': [hidden(({ key }) => ({ path: `/keys/${key}/rate-state` }))],
  'GET /budgets': [
    own({ path: '/budgets' }, { path: '/budgets', query: { limit: '1' } }),
    hidden(({ tenant }) => ({ path: '/budgets', query: { tenant } })),
  ],
  'PUT /budgets/tenants/:id': [
    hidden(({ tenant }) => ({ path: `/budgets/tenants/${tenant}`, body: { usd: 1, period: 'day' } })),
  ],
  'DELETE /budgets/tenants/:id': [hidden(({ tenant }) => ({ path: `/budgets/tenants/${tenant}` }))],
  'PUT /budgets/keys/:id': [hidden(({ key }) => ({ path: `/budgets/keys/${key}`, body: { usd: 1, period: 'day' } }))],
  'DELETE /budgets/keys/:id': [hidden(({ key }) => ({ path: `/budgets/keys/${key}` }))],
  'GET /credits/:tenant': [hidden(({ tenant }) => ({ path: `/credits/${tenant}` }))],
  'POST /credits/:tenant/top-ups': [hidden(({ tenant }) => ({ path: `/credits/${tenant}/top-ups`, body: { usd: 9 } }))],
  'GET /credits/:tenant/ledger': [
    hidden(({ tenant }) => ({ path: `/credits/${tenant}/ledger` })),
    own({ path: `/credits/${OWN}/ledger` }),
  ],
  'GET /webhooks': [
    own({ path: '/webhooks' }, { path: '/webhooks', query: { limit: '1' } }),
    hidden(({ tenant }) => ({ path: '/webhooks', query: { tenant } })),
  ],
  'POST /webhooks': [
    hidden(
      ({ tenant }) => ({ path: '/webhooks', body: { tenant, url: 'https://hooks.example.com/' } }),
      ({ tenant }) => ({ path: '/webhooks', body: { tenant, nonsense: true } }),
    ),
    forbidden({ path: '/webhooks', body: { url: 'https://hooks.example.com/' } }),
  ],
  'GET /webhooks/:id': [hidden(({ webhook }) => ({ path: `/webhooks/${webhook}` }))],
  'PATCH /webhooks/:id': [
    hidden(
      ({ webhook }) => ({ path: `/webhooks/${webhook}`, body: { url: 'https://intruder.example.com/' } }),
      ({ webhook }) => ({ path: `/webhooks/${webhook}`, body: { active: false } }),
    ),
  ],
  'DELETE /webhooks/:id': [hidden(({ webhook }) => ({ path: `/webhooks/${webhook}` }))],
  'POST /webhooks/:id/rotate-secret': [hidden(({ webhook }) => ({ path: `/webhooks/${webhook}/rotate-secret` }))],
  'POST /webhooks/:id/test': [hidden(({ webhook }) => ({ path: `/webhooks/${webhook}/test` }))],
  'GET /webhooks/:id/deliveries': [hidden(({ webhook }) => ({ path: `/webhooks/${webhook}/deliveries` }))],
  'POST /webhooks/:id/deliveries/:delivery/redeliver': [
    hidden(({ webhook }) => ({ path: `/webhooks/${webhook}/deliveries/dlv_x/redeliver` })),
  ],
  'POST /exports': [
    hidden(
      ({ tenant }) => ({ path: '/exports', body: { kind: 'usage', format: 'csv', tenant, ...DAY } }),
      ({ tenant }) => ({ path: '/exports', body: { kind: 'audit', format: 'jsonl', tenant, ...DAY } }),
      ({ tenant }) => ({ path: '/exports', body: { kind: 'calls', format: 'jsonl', tenant, ...DAY } }),
      ({ tenant }) => ({ path: '/exports', body: { tenant, nonsense: true } }),
    ),
    forbidden({ path: '/exports', body: { kind: 'usage', format: 'csv', ...DAY } }),
  ],
  'GET /exports/:id': [hidden((target) => ({ path: `/exports/${target.export}` }))],
  'GET /exports/:id/content': [hidden((target) => ({ path: `/exports/${target.export}/content` }))],
  'DELETE /exports/:id': [hidden((target) => ({ path: `/exports/${target.export}` }))],
  'GET /providers': [forbidden({ path: '/providers' })],
  'POST /providers': [forbidden({ path: '/providers', body: { id: 'x', kind: 'openai' } })],
  'GET /providers/:id': [forbidden({ path: '/providers/x' })],
  'PATCH /providers/:id': [forbidden({ path: '/providers/x', body: { tier: 1 } })],
  'DELETE /providers/:id': [forbidden({ path: '/providers/x' })],
  'GET /models': [forbidden({ path: '/models' })],
  'POST /models': [forbidden({ path: '/models', body: { id: 'x/y' } })],
  'GET /models/*': [forbidden({ path: '/models/x/y' })],
  'GET /models/:id/prices': [forbidden({ path: '/models/x%2Fy/prices' })],
  'PATCH /models/*': [forbidden({ path: '/models/x/y', body: { pricing: { input: 0, output: 0 } } })],
  'DELETE /models/*': [forbidden({ path: '/models/x/y' })],
  'GET /audit': [
    own(
      { path: '/audit' },
      { path: '/audit', query: { format: 'csv' } },
      { path: '/audit', query: { resource: 'key' } },
    ),
    hidden(
      ({ tenant }) => ({ path: '/audit', query: { tenant } }),
      ({ tenant }) => ({ path: '/audit', query: { tenant, format: 'csv' } }),
    ),
  ],
  'GET /calls': [
    own({ path: '/calls' }, { path: '/calls', query: { format: 'csv' } }, { path: '/calls', query: { status: '403' } }),
    hidden(
      ({ tenant }) => ({ path: '/calls', query: { tenant } }),
      ({ tenant }) => ({ path: '/calls', query: { tenant, format: 'csv' } }),
    ),
  ],
  'GET /calls/:id': [hidden(({ key }) => ({ path: `/calls/${key}` })), own({ path: '/calls/own-call' })],
  'GET /usage': [
    own(
      { path: '/usage' },
      { path: '/usage', query: { format: 'csv' } },
      ...['tenant', 'key', 'model', 'provider', 'upstream', 'hour', 'day'].map((groupBy) => ({
        path: '/usage',
        query: { groupBy },
      })),
    ),
    hidden(
      ({ tenant }) => ({ path: '/usage', query: { tenant } }),
      ({ tenant }) => ({ path: '/usage', query: { tenant, groupBy: 'key' } }),
    ),
  ],
  'GET /usage/refused': [forbidden({ path: '/usage/refused' })],
  'GET /usage/refused/:id': [forbidden({ path: '/usage/refused/x' })],
  'POST /usage/refused/:id/replay': [forbidden({ path: '/usage/refused/x/replay' })],
  'POST /usage/refused/:id/dismiss': [forbidden({ path: '/usage/refused/x/dismiss' })],
  'GET /ledger/reconciliations': [forbidden({ path: '/ledger/reconciliations' })],
  'GET /routing/explain': [forbidden({ path: '/routing/explain', query: { model: 'auto' } })],
  'GET /config/diff': [forbidden({ path: '/config/diff' })],
  'GET /health': [forbidden({ path: '/health' })],
  'GET /openapi.json': [own({ path: '/openapi.json' })],
};

/** Lists that take the victim's cursor and filters by the victim's ids, and must show one's own things only. */
const SMUGGLED: () => Attempt[] = () => [
  ...['keys', 'budgets', 'webhooks', 'audit', 'usage', 'calls'].map((list) => ({
    path: `/${list}`,
    query: cursorOf(list),
  })),
  { path: `/credits/${OWN}/ledger`, query: cursorOf('credits') },
  { path: '/usage', query: { key: victimKey } },
  { path: '/usage', query: { key: victimKey, groupBy: 'key' } },
  { path: '/calls', query: { key: victimKey } },
  { path: '/usage', query: { model: `${MARK}-call-1-model` } },
  { path: '/audit', query: { resource: `key:${victimKey}` } },
  { path: '/audit', query: { resource: `tenant:${VICTIM}` } },
  { path: '/audit', query: { actor: 'admin-token', action: 'key.create' } },
];

const names = Object.keys(CASES);

function ask(name: string, attempt: Attempt, token: string, idempotencyKey?: string): Promise<Answer> {
  const method = name.split(' ')[0] as Call['method'];
  return admin.raw({
    ...attempt,
    method,
    path: API + attempt.path,
    token,
    ...(idempotencyKey ? { idempotencyKey } : {}),
  });
}

function withoutIds(text: string, target: Whose, sign = ''): string {
  return Object.values(target).reduce((rest, id) => rest.replaceAll(id, sign), text);
}

/** What a reply says, but for what was asked for and what differs from request to request. */
function shapeOf({ status, headers, text }: Answer, target: Whose): unknown {
  const { 'x-request-id': _, 'content-length': __, date: ___, ...rest } = headers;
  return { status, rest, text: withoutIds(text, target, '<id>') };
}

test('every registered route has its case', () => {
  const registered = admin.routes
    .filter(({ method, path }) => method !== 'HEAD' && path.startsWith(API))
    .map(({ method, path }) => `${method} ${path.slice(API.length)}`);
  expect([...new Set(registered)].sort()).toEqual([...names].sort());
});

describe.each(ROLES)('another tenant’s %s', (role) => {
  test.each(names)('%s: sees and changes nothing of the victim’s', async (name) => {
    const before = await stateOfVictim();
    const target = { tenant: VICTIM, key: victimKey, webhook: victimWebhook, export: victimExport };
    const absent = { tenant: NOWHERE, key: NOWHERE, webhook: NOWHERE, export: NOWHERE };
    for (const { attempts, expected } of CASES[name]!) {
      const asked = attempts(target);
      const compared = attempts(absent);
      for (const [index, attempt] of asked.entries()) {
        const reply = await ask(name, attempt, tokens[role]);
        const status = { hidden: 404, forbidden: 403, own: 200 }[expected];
        expect([attempt, reply.status]).toEqual([attempt, status]);
        // Its own words come back to whoever asks, and nothing else of the victim.
        expect(withoutIds(reply.text, target)).not.toContain(MARK);
        const nowhere = await ask(name, compared[index]!, tokens[role]);
        if (expected === 'hidden') expect(shapeOf(reply, target)).toEqual(shapeOf(nowhere, absent));
        if (expected === 'own') expect(withoutIds(reply.text, { ...target, tenant: MARK })).toBe(reply.text);
      }
    }
    expect(await stateOfVictim()).toBe(before);
  });

  test('the victim’s cursors and ids in filters lead to nothing of the victim’s', async () => {
    for (const attempt of SMUGGLED()) {
      const reply = await ask('GET', attempt, tokens[role]);
      expect([200, 400]).toContain(reply.status);
      expect(reply.text).not.toContain(MARK);
      expect(reply.text).not.toContain(victimKey);
    }
  });

  test('an Idempotency-Key that the platform’s owner used replays nothing of theirs', async () => {
    const body = { tenant: VICTIM, name: `${MARK}-shared-${role}` };
    const first = await ask('POST', { path: '/keys', body }, TOKEN, `shared-${role}`);
    expect(first.status).toBe(201);
    const before = await stateOfVictim();
    const second = await ask('POST', { path: '/keys', body }, tokens[role], `shared-${role}`);
    expect(second.status).toBe(404);
    expect(second.text).not.toContain(first.body.key);
    expect(await stateOfVictim()).toBe(before);
  });
});

test('what one may not do in one’s own tenant is forbidden, not hidden', async () => {
  const attempts: [string, Attempt][] = [
    ['POST', { path: '/keys', body: { tenant: OWN, name: 'x' } }],
    ['PATCH', { path: `/keys/${ownKey}`, body: { name: 'x' } }],
    ['POST', { path: `/keys/${ownKey}/rotate`, body: {} }],
    ['POST', { path: `/keys/${ownKey}/revoke` }],
    ['PUT', { path: `/budgets/keys/${ownKey}`, body: { usd: 1, period: 'day' } }],
    ['DELETE', { path: `/budgets/keys/${ownKey}` }],
    ['PUT', { path: `/budgets/tenants/${OWN}`, body: { usd: 1, period: 'day' } }],
    ['PATCH', { path: `/tenants/${OWN}`, body: { name: 'x' } }],
    ['DELETE', { path: `/tenants/${OWN}` }],
    ['POST', { path: `/credits/${OWN}/top-ups`, body: { usd: 1 } }],
  ];
  for (const [method, attempt] of attempts) {
    expect([attempt, (await ask(method, attempt, tokens.viewer)).status]).toEqual([attempt, 403]);
  }
  for (const body of [
    { active: false },
    { limits: { rpm: 1 } },
    { name: 'x', limits: {} },
    { callLogRetentionDays: 1 },
  ]) {
    expect((await ask('PATCH', { path: `/tenants/${OWN}`, body }, tokens.owner)).status).toBe(403);
  }
});

test('what is told of all tenants is none of theirs', async () => {
  const path = `/webhooks/${platformWebhook}`;
  for (const role of ROLES) {
    expect((await ask('GET', { path }, tokens[role])).status).toBe(404);
    expect((await ask('PATCH', { path, body: { active: false } }, tokens[role])).status).toBe(404);
  }
});

test('a webhook into a private network is the platform’s to allow, and then to move', async () => {
  const body = { tenant: OWN, url: 'http://10.0.0.1/' };
  expect((await ask('POST', { path: '/webhooks', body: { ...body, trustedNetwork: true } }, tokens.owner)).status).toBe(
    403,
  );
  const { id } = await made('/webhooks', { ...body, trustedNetwork: true });
  const change = (changes: object) => ask('PATCH', { path: `/webhooks/${id}`, body: changes }, tokens.owner);
  expect((await change({ url: 'http://10.0.0.2/' })).status).toBe(403);
  expect((await change({ events: ['budget.period_started'] })).status).toBe(200);
  expect((await change({ url: 'https://hooks.example.com/', trustedNetwork: false })).status).toBe(200);
  expect((await change({ trustedNetwork: true })).status).toBe(403);
});

test('one’s own is there for each as the table says, and is audited in their name', async () => {
  const key = await ask('POST', { path: '/keys', body: { tenant: OWN, name: 'made-by-admin' } }, tokens.admin);
  expect(key.status).toBe(201);
  expect((await ask('PATCH', { path: `/tenants/${OWN}`, body: { name: 'Renamed' } }, tokens.admin)).status).toBe(403);
  expect((await ask('PATCH', { path: `/tenants/${OWN}`, body: { name: 'Renamed' } }, tokens.owner)).status).toBe(200);
  for (const path of [
    '/tenants',
    '/keys',
    '/budgets',
    '/webhooks',
    '/audit',
    '/usage',
    `/credits/${OWN}`,
    `/keys/${ownKey}/rate-state`,
  ]) {
    expect([path, (await ask('GET', { path }, tokens.viewer)).status]).toEqual([path, 200]);
  }
  const audit = await ask('GET', { path: '/audit', query: { resource: `key:${key.body.id}` } }, tokens.viewer);
  expect(audit.body.data).toMatchObject([{ actor: 'oidc:intruder-admin', action: 'key.create', tenant: OWN }]);
});

test('prompts are for owners, of their own tenant: nobody else has them read', async () => {
  const asked: Attempt[] = [
    { path: '/calls', query: { prompts: 'true' } },
    { path: '/calls', query: { prompts: 'true', format: 'csv' } },
    { path: '/calls/own-call', query: { prompts: 'true' } },
  ];
  const foreign: Attempt[] = [
    { path: '/calls', query: { prompts: 'true', tenant: VICTIM } },
    { path: `/calls/${victimKey}`, query: { prompts: 'true' } },
  ];
  const auditor = await issuer.sign({ sub: 'auditor', switchboard_roles: ['*:viewer'] });
  const read = admin.calls.promptsRead;
  const statuses = async (attempts: Attempt[], token: string): Promise<number[]> => {
    const replies = await Promise.all(attempts.map((attempt) => ask('GET', attempt, token)));
    for (const { text } of replies) expect(text).not.toMatch(/(own|victim) prompt/);
    return replies.map(({ status }) => status);
  };
  for (const token of [tokens.viewer, tokens.admin, auditor]) {
    expect(await statuses(asked, token)).toEqual([403, 403, 403]);
  }
  for (const token of Object.values(tokens)) expect(await statuses(foreign, token)).toEqual([404, 404]);
  expect(admin.calls.promptsRead).toBe(read);
  for (const attempt of asked) {
    const reply = await ask('GET', attempt, tokens.owner);
    expect([reply.status, reply.text.includes('own prompt'), reply.text.includes(MARK)]).toEqual([200, true, false]);
  }
  const { body } = await ask('GET', { path: '/audit', query: { action: 'call.read_prompt' } }, tokens.viewer);
  expect(body.data).toMatchObject([
    { actor: 'oidc:intruder-owner', resourceId: 'own-call', tenant: OWN },
    { resourceId: '*', after: { requestIds: ['own-call', 'own-call-2'] } },
    { resourceId: '*' },
  ]);
});

test('who sees several tenants says whose usage; and never sees a third’s', async () => {
  const token = await issuer.sign({ sub: 'both', switchboard_roles: { [OWN]: 'viewer', [NOWHERE]: 'viewer' } });
  const reply = await ask('GET', { path: '/usage' }, token);
  expect([reply.status, reply.body.error.faults[0].path]).toEqual([400, 'tenant']);
  expect((await ask('GET', { path: '/usage', query: { tenant: OWN } }, token)).body.data).toHaveLength(2);
  expect((await ask('GET', { path: '/usage', query: { tenant: VICTIM } }, token)).status).toBe(404);
});

test('a viewer of everything reads everything and changes nothing', async () => {
  const token = await issuer.sign({ sub: 'auditor', switchboard_roles: ['*:viewer'] });
  const before = await stateOfVictim();
  const target = { tenant: VICTIM, key: victimKey, webhook: victimWebhook, export: victimExport };
  for (const name of names) {
    for (const { attempts } of CASES[name]!) {
      for (const attempt of attempts(target)) {
        const { status } = await ask(name, attempt, token);
        const expected = !name.startsWith('GET')
          ? [403]
          : /models\/(\*|:id)|providers\/:id|refused\/:id/.test(name)
            ? [404]
            : [200];
        expect([name, attempt, expected]).toEqual([name, attempt, [status]]);
      }
    }
  }
  expect(await stateOfVictim()).toBe(before);
});
