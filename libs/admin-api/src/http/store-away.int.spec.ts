import { execFileSync } from 'node:child_process';
import { AdminApp, type Call, TOKEN } from './__fixtures__/admin-app';
import { startDatabase, type TestDatabase } from './__fixtures__/database';
import { AUDIENCE, Issuer } from './__fixtures__/issuer';

jest.setTimeout(60_000);

let database: TestDatabase;
let admin: AdminApp | undefined;

beforeAll(async () => {
  database = await startDatabase();
});

afterEach(() => admin?.stop());

afterAll(() => database.stop());

/** One of each kind of access. */
const CALLS: Pick<Call, 'method' | 'path' | 'body'>[] = [
  { method: 'GET', path: '/api/v1/tenants' },
  { method: 'GET', path: '/api/v1/keys/key_x' },
  { method: 'POST', path: '/api/v1/tenants', body: { id: 'acme' } },
  { method: 'GET', path: '/api/v1/audit' },
  { method: 'GET', path: '/api/v1/budgets' },
  { method: 'GET', path: '/api/v1/config/diff' },
];

async function expectStoreUnavailable(): Promise<void> {
  for (const call of CALLS) {
    const startedAt = performance.now();
    const { status, headers, body } = await admin!.raw({ ...call, token: TOKEN });
    expect([call.path, status, body.error.code]).toEqual([call.path, 503, 'store_unavailable']);
    expect(headers['retry-after']).toBe('5');
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  }
}

test('before there is a database, whoever asks is told so in time; health says which', async () => {
  const databaseUrl = 'postgresql://postgres@127.0.0.1:1/postgres';
  admin = await AdminApp.start({ databaseUrl, awaitReady: false });
  await expectStoreUnavailable();
  const { status, body } = await admin.raw({ method: 'GET', path: '/api/v1/health', token: TOKEN });
  expect([status, body.postgres.status, body.outbox]).toEqual([200, 'down', null]);
});

/** The server and every connection of it. */
function signalPostgres(signal: NodeJS.Signals): void {
  const { pid } = database.postgres;
  const children = execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' });
  for (const one of [pid, ...children.trim().split('\n').map(Number)]) process.kill(one!, signal);
}

test('of a database that is silent whoever asks is told in time, whatever has to be looked up for them', async () => {
  const issuer = await Issuer.start();
  admin = await AdminApp.start({
    databaseUrl: database.postgres.url,
    oidc: { issuer: issuer.url, audience: AUDIENCE },
  });
  const token = await issuer.sign({});
  const calls = [
    { ...CALLS[1]!, token },
    { ...CALLS[2]!, token: TOKEN },
  ];
  for (const call of calls) expect((await admin.raw(call)).status).not.toBe(503);
  signalPostgres('SIGSTOP');
  try {
    const startedAt = performance.now();
    const replies = await Promise.all(calls.map((call) => admin!.raw(call)));
    expect(replies.map(({ status, body }) => [status, body.error.code])).toEqual([
      [503, 'store_unavailable'],
      [503, 'store_unavailable'],
    ]);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  } finally {
    signalPostgres('SIGCONT');
    await issuer.stop();
  }
});

test('when the database went away, whoever asks is told so in time', async () => {
  admin = await AdminApp.start({ databaseUrl: database.postgres.url });
  expect((await admin.raw({ ...CALLS[0]!, token: TOKEN })).status).toBe(200);
  await database.postgres.stop();
  await expectStoreUnavailable();
});
