import { AdminApp, type Answer, type Call } from './__fixtures__/admin-app';
import { startDatabase, type TestDatabase } from './__fixtures__/database';

jest.setTimeout(60_000);

const URL_WITH_TOKEN = 'https://hooks.example.com/in?token=zq7-token';

let database: TestDatabase;
let admin: AdminApp;

beforeAll(async () => {
  database = await startDatabase();
  admin = await AdminApp.start({ databaseUrl: database.postgres.url });
  expect((await call('POST', 'tenants', { id: 'acme' })).status).toBe(201);
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

async function made(fields: object = {}): Promise<{ id: string; secret: string }> {
  const { status, body } = await call('POST', 'webhooks', { tenant: 'acme', url: URL_WITH_TOKEN, ...fields });
  expect(status).toBe(201);
  return body;
}

test('the secret is shown when it is made and when it is rotated, the query of the URL never', async () => {
  const first = await made();
  expect(first).toMatchObject({
    ...{ tenant: 'acme', url: 'https://hooks.example.com/in', hasQuery: true, active: true, inactiveReason: null },
    ...{ events: ['budget.threshold_reached', 'budget.period_started'], trustedNetwork: false, secretsReadable: true },
    secret: expect.stringMatching(/^whsec_[\w-]{43}$/),
  });
  const rotated = await call('POST', `webhooks/${first.id}/rotate-secret`);
  expect([rotated.status, rotated.body.secret === first.secret]).toEqual([200, false]);
  const changed = await call('PATCH', `webhooks/${first.id}`, { events: ['budget.period_started'] });
  expect(changed.body).toMatchObject({ events: ['budget.period_started'], hasQuery: true });
  const seen = await Promise.all([get('webhooks'), get(`webhooks/${first.id}`), get('audit', { resource: 'webhook' })]);
  const told = seen.map(({ text }) => text).join() + admin.logged.join();
  for (const secret of [first.secret, rotated.body.secret, 'zq7-token']) expect(told).not.toContain(secret);
  const rows = await admin.store.prisma.webhook.findMany();
  expect(JSON.stringify(rows)).not.toMatch(/whsec_|zq7-token/);
  const { data } = (await get('audit', { resource: `webhook:${first.id}` })).body;
  expect(data.map(({ action }: { action: string }) => action)).toEqual([
    ...['webhook.update', 'webhook.rotate_secret', 'webhook.create'],
  ]);
});

test('the same Idempotency-Key makes one webhook and shows its secret again', async () => {
  const body = { tenant: 'acme', url: 'https://hooks.example.com/once' };
  const [first, again] = [
    await call('POST', 'webhooks', body, { idempotencyKey: 'once' }),
    await call('POST', 'webhooks', body, { idempotencyKey: 'once' }),
  ];
  expect(again.body).toEqual(first.body);
  expect(again.headers['idempotent-replayed']).toBe('true');
});

test('addresses in private networks are refused when they are given, made or changed', async () => {
  const { id } = await made();
  const refused = [
    await call('POST', 'webhooks', { tenant: 'acme', url: 'https://169.254.169.254/latest' }),
    await call('POST', 'webhooks', { tenant: 'acme', url: 'http://hooks.example.com/' }),
    await call('PATCH', `webhooks/${id}`, { url: 'https://localhost/' }),
  ];
  expect(refused.map(({ status, body }) => [status, body.error.faults[0].path])).toEqual(
    Array.from({ length: 3 }, () => [400, 'url']),
  );
  const trusted = await made({ url: 'http://10.0.0.1/hook', trustedNetwork: true });
  expect((await call('PATCH', `webhooks/${trusted.id}`, { trustedNetwork: false })).status).toBe(400);
});

test('a test is a delivery like any other: listed, given up, sent again', async () => {
  const { id } = await made();
  const test = await call('POST', `webhooks/${id}/test`);
  expect([test.status, test.body]).toMatchObject([
    202,
    { webhook: id, status: 'pending', attempts: 0, event: { type: 'webhook.test', data: { webhook: id } } },
  ]);
  const again = `webhooks/${id}/deliveries/${test.body.id}/redeliver`;
  expect((await call('POST', again)).body.error.code).toBe('delivery_not_failed');
  await admin.store.prisma.webhookDelivery.update({
    where: { id: test.body.id },
    data: { status: 'failed', attempts: 12, lastStatus: 500, lastError: 'no' },
  });
  expect((await get(`webhooks/${id}/deliveries`, { status: 'failed' })).body.data).toMatchObject([
    { id: test.body.id, attempts: 12, nextAttemptAt: null, lastStatus: 500, lastError: 'no' },
  ]);
  const redelivered = await call('POST', again);
  expect([redelivered.status, redelivered.body]).toMatchObject([202, { status: 'pending', attempts: 0 }]);
  expect((await call('POST', `webhooks/${id}/deliveries/dlv_none/redeliver`)).status).toBe(404);
});

test('what waits for a webhook that is switched off is given up; nothing is sent to it until it is on again', async () => {
  const { id } = await made();
  const test = await call('POST', `webhooks/${id}/test`);
  expect((await call('PATCH', `webhooks/${id}`, { active: false })).body.active).toBe(false);
  expect((await get(`webhooks/${id}/deliveries`)).body.data).toMatchObject([{ id: test.body.id, status: 'failed' }]);
  expect((await call('POST', `webhooks/${id}/test`)).body.error.code).toBe('webhook_inactive');
  await call('PATCH', `webhooks/${id}`, { active: true });
  expect((await call('POST', `webhooks/${id}/test`)).status).toBe(202);
});

test('twenty are enough for a tenant, and go with it', async () => {
  await call('POST', 'tenants', { id: 'busy' });
  for (let count = 0; count < 20; count++) await made({ tenant: 'busy' });
  const one = { tenant: 'busy', url: 'https://hooks.example.com/' };
  expect((await call('POST', 'webhooks', one)).body.error.code).toBe('too_many_webhooks');
  expect((await call('DELETE', 'tenants/busy')).status).toBe(200);
  expect((await get('webhooks', { tenant: 'busy' })).body.data).toEqual([]);
});

test('a webhook is removed with its deliveries; unknown ones and tenants are not there', async () => {
  const { id } = await made();
  await call('POST', `webhooks/${id}/test`);
  expect((await call('DELETE', `webhooks/${id}`)).body).toEqual({ id, deleted: true });
  const paths = [`webhooks/${id}`, `webhooks/${id}/deliveries`];
  for (const path of paths) expect((await get(path)).status).toBe(404);
  expect((await call('POST', 'webhooks', { tenant: 'nobody', url: URL_WITH_TOKEN })).status).toBe(404);
});
