import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { AdminApp, type Answer, type Call } from './__fixtures__/admin-app';
import { startDatabase, type TestDatabase } from './__fixtures__/database';

jest.setTimeout(60_000);

const ASKED = { kind: 'usage', format: 'csv', tenant: 'acme', from: '2026-11-01', to: '2026-12-01T00:00:00+01:00' };

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
afterEach(async () => {
  await admin.store.prisma.export.deleteMany();
  expect(admin.faults.splice(0)).toEqual([]);
});

const call = (method: Call['method'], path: string, body?: unknown, rest: Partial<Call> = {}): Promise<Answer> =>
  admin.call({ method, path: `/api/v1/${path}`, body, ...rest });
const get = (path: string): Promise<Answer> => call('GET', path);

async function asked(fields: object = {}): Promise<string> {
  const { status, body } = await call('POST', 'exports', { ...ASKED, ...fields });
  expect(status).toBe(202);
  return body.id;
}

/** As metering makes it. */
async function made(id: string, pieces: Buffer[]): Promise<void> {
  const { export: exports, exportChunk } = admin.store.prisma;
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  await exportChunk.createMany({
    data: pieces.map((piece, position) => ({ exportId: id, position, data: Uint8Array.from(piece) })),
  });
  const expiresAt = new Date(Date.now() + 86_400_000);
  await exports.update({ where: { id }, data: { state: 'done', rows: 3, bytes, finishedAt: new Date(), expiresAt } });
}

test('an export is asked for, waits, is made and is fetched as a file', async () => {
  const id = await asked({ key: 'key_1', model: 'sim/echo' });
  expect((await get(`exports/${id}`)).body).toMatchObject({
    ...{ id, kind: 'usage', format: 'csv', tenant: 'acme', key: 'key_1', model: 'sim/echo', state: 'queued', rows: 0 },
    ...{ from: '2026-11-01T00:00:00.000Z', to: '2026-11-30T23:00:00.000Z', expiresAt: null, error: null },
  });
  const early = await get(`exports/${id}/content`);
  expect([early.status, early.body.error.code]).toEqual([409, 'export_not_done']);
  const pieces = [randomBytes(100_000), randomBytes(5)];
  await made(id, pieces);
  const { headers, bytes } = await get(`exports/${id}/content`);
  expect(bytes.equals(Buffer.concat(pieces))).toBe(true);
  expect(headers).toMatchObject({
    'content-type': 'application/gzip',
    'content-length': '100005',
    'content-disposition': expect.stringMatching(/^attachment; filename="usage-\d{4}-\d\d-\d\d-\w{8}\.csv\.gz"$/),
    'cache-control': 'no-store',
  });
  expect((await get(`exports/${id}`)).body).toMatchObject({ state: 'done', rows: 3, bytes: 100_005 });
});

test('a file is read piece by piece, as its receiver takes it, and breaks off where the export is deleted', async () => {
  const id = await asked();
  await made(
    id,
    Array.from({ length: 8 }, () => randomBytes(1024 * 1024)),
  );
  const { stream } = await admin.store.exports.content(id);
  const chunks = stream[Symbol.asyncIterator]();
  await chunks.next();
  await call('DELETE', `exports/${id}`);
  const rest = async () => {
    let count = 0;
    while ((await chunks.next()).done !== true) count++;
    return count;
  };
  await expect(rest()).rejects.toThrow('was deleted while it was fetched');
});

test('who goes away before the end has nothing more read for them', async () => {
  const id = await asked();
  await made(id, [randomBytes(10), randomBytes(10)]);
  const { stream } = await admin.store.exports.content(id);
  stream.destroy();
  await once(stream, 'close');
});

test('the same Idempotency-Key asks once; asking and deleting are audited', async () => {
  const keyed = { idempotencyKey: 'export-once' };
  const first = await call('POST', 'exports', ASKED, keyed);
  const again = await call('POST', 'exports', ASKED, keyed);
  expect(again.body).toEqual(first.body);
  expect(await admin.store.prisma.export.count()).toBe(1);
  expect((await call('DELETE', `exports/${first.body.id}`)).body).toEqual({ id: first.body.id, deleted: true });
  expect((await get(`exports/${first.body.id}`)).status).toBe(404);
  const { data } = (await admin.call({ method: 'GET', path: '/api/v1/audit', query: { resource: 'export' } })).body;
  expect(data.slice(0, 2).map(({ action, tenant }: Record<string, string>) => [action, tenant])).toEqual([
    ...[
      ['export.remove', 'acme'],
      ['export.create', 'acme'],
    ],
  ]);
});

test('faults are told together, and twenty are enough', async () => {
  const faulty = { ...ASKED, kind: 'audit', key: 'key_1', from: '2026-12-02', to: '2026-12-01' };
  const { status, body } = await call('POST', 'exports', faulty);
  expect([status, body.error.faults.map(({ path }: { path: string }) => path)]).toEqual([400, ['to', 'key']]);
  expect((await call('POST', 'exports', { ...ASKED, tenant: 'nobody' })).status).toBe(404);
  for (let count = 0; count < 20; count++) await asked();
  expect((await call('POST', 'exports', ASKED)).body.error.code).toBe('too_many_exports');
  await asked({ tenant: undefined });
});
