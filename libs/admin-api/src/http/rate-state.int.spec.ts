import { AdminApp, type Answer, type Call } from './__fixtures__/admin-app';
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

const call = (method: Call['method'], path: string, body?: unknown): Promise<Answer> =>
  admin.call({ method, path: `/api/v1/${path}`, body });
const rateState = (id: string): Promise<Answer> => call('GET', `keys/${id}/rate-state`);

async function tenant(id: string, fields: object = {}): Promise<void> {
  expect((await call('POST', 'tenants', { id, ...fields })).status).toBe(201);
}

async function key(tenantId: string, fields: object = {}): Promise<{ id: string }> {
  const made = await call('POST', 'keys', { tenant: tenantId, name: 'ci', ...fields });
  expect(made.status).toBe(201);
  return made.body;
}

test('the limiter is asked of the key and its tenant with all that bounds them, and its counters are shown', async () => {
  const bounds = { limits: { rpm: 60, concurrency: 4 }, budget: { usd: 5, period: 'day' } };
  await tenant('limited', bounds);
  await call('POST', 'credits/limited/top-ups', { usd: 2 });
  const { id } = await key('limited', { limits: { itpm: 1000 } });
  const spent = { spentNanoUsd: 500_000_000, heldNanoUsd: 250_000_000, periodStartMs: 0 };
  admin.limiter.states[`key:${id}`] = { rates: { inputTokens: { limit: 1000, remaining: 10, resetMs: 59_400 } } };
  admin.limiter.states['tenant:limited'] = {
    ...{ open: 2, concurrencyLimit: 4, rates: { requests: { limit: 60, remaining: 57, resetMs: 3000 } } },
    budgets: [{ id: 'credits', nanoUsd: 2_000_000_000, period: 'total', ...spent }],
  };
  const { body } = await rateState(id);
  expect(admin.limiter.asked.at(-1)).toEqual({
    group: 'tenant:limited',
    scopes: [
      { scope: `key:${id}`, limits: { itpm: 1000 }, budgets: [] },
      {
        ...{ scope: 'tenant:limited', limits: bounds.limits },
        budgets: [
          { id: 'budget', nanoUsd: 5_000_000_000, period: 'day' },
          { id: 'credits', nanoUsd: 2_000_000_000, period: 'total' },
        ],
      },
    ],
  });
  expect(body.key).toEqual({
    ...{ open: 0, concurrency: null, requests: null, outputTokens: null, budgets: [] },
    inputTokens: { limit: 1000, remaining: 10, resetSeconds: 59.4 },
  });
  expect(body.tenant).toMatchObject({ open: 2, concurrency: { limit: 4, open: 2 }, inputTokens: null });
  expect(body.tenant.budgets).toMatchObject([
    { id: 'budget', limitUsd: '5.000000000', known: false, spentUsd: null, remainingUsd: null },
    { id: 'credits', known: true, spentUsd: '0.500000000', heldUsd: '0.250000000', remainingUsd: '1.250000000' },
  ]);
});

test('the limiter is asked of what is unbounded too, for it knows what is open', async () => {
  await tenant('unbounded');
  const { id } = await key('unbounded');
  const nothing = { open: 0, concurrency: null, requests: null, inputTokens: null, outputTokens: null, budgets: [] };
  expect((await rateState(id)).body).toEqual({ key: nothing, tenant: nothing });
});

test('the limiter’s absence is told as such', async () => {
  await tenant('unlimited');
  const { id } = await key('unlimited');
  admin.limiter.away = true;
  const reply = await rateState(id);
  admin.limiter.away = false;
  expect(reply.status).toBe(503);
  expect(reply.body.error.code).toBe('limiter_unavailable');
  expect(reply.headers['retry-after']).toBe('5');
});
