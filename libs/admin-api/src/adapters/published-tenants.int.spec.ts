import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { bucketKey, type Tenant } from '@switchboard/contracts';
import {
  type AdminDatabase,
  heldKeys,
  openStore,
  startAdminDatabase,
  until,
} from '../services/__fixtures__/admin-database';
import type { Change } from '../services/mutations';
import { publishedTenants } from './published-tenants';

jest.setTimeout(60_000);

type Store = ReturnType<typeof openStore>;

let database: AdminDatabase;
const stores: Store[] = [];

beforeAll(async () => {
  database = await startAdminDatabase();
});
afterAll(() => database.stop());
beforeEach(() => database.empty());
afterEach(closeAll);

async function closeAll(): Promise<void> {
  await Promise.all(stores.splice(0).map((store) => store.close()));
}

async function started(env: NodeJS.ProcessEnv = {}): Promise<Store> {
  const store = openStore(database, { env });
  stores.push(store);
  store.start();
  await store.ready;
  return store;
}

const change = (store: Store, work: (given: Change) => Promise<unknown>) =>
  store.mutations.run({ actor: { name: 'alice' } }, async (given) => {
    await work(given);
    return { status: 200, body: {} };
  });
const createTenant = (store: Store, id: string) =>
  change(store, (given) => store.tenants.create(given, { id, active: true, limits: { rpm: 5 } }));
const topUp = (store: Store, id: string, usd: number) =>
  change(store, (given) => store.credits.topUp(given, id, { usd, note: '' }));
const held = async (store: Store, id: string) => (await heldKeys<Tenant>(store.bus))[bucketKey.tenant(id)];
const creditsHeld = async (store: Store, id: string) => (await held(store, id))?.creditsNanoUsd;

test('a top-up reaches the tenant’s entry within a second: all it ever paid in', async () => {
  const store = await started();
  await createTenant(store, 'acme');
  await topUp(store, 'acme', 10);
  await until(async () => (await creditsHeld(store, 'acme')) === 10_000_000_000, 1_000);
  await topUp(store, 'acme', 0.000000001);
  await until(async () => (await creditsHeld(store, 'acme')) === 10_000_000_001, 1_000);
});

test('a tenant that never paid in advance has no credits in its entry, whatever others have', async () => {
  const store = await started();
  await createTenant(store, 'postpaid');
  await createTenant(store, 'prepaid');
  await topUp(store, 'prepaid', 1);
  await until(async () => (await creditsHeld(store, 'prepaid')) !== undefined);
  expect(await held(store, 'postpaid')).toEqual({ id: 'postpaid', name: 'postpaid', active: true, limits: { rpm: 5 } });
});

test('any other change of a tenant leaves its credits in its entry', async () => {
  const store = await started();
  await createTenant(store, 'acme');
  await topUp(store, 'acme', 3);
  await change(store, (given) => store.tenants.update(given, 'acme', { name: 'Renamed' }));
  await until(async () => (await held(store, 'acme'))?.name === 'Renamed');
  expect(await creditsHeld(store, 'acme')).toBe(3_000_000_000);
});

test('a publication of everything has the credits of each tenant', async () => {
  const before = await started();
  for (const [id, usd] of [
    ['acme', 2],
    ['beta', 3],
  ] as const) {
    await createTenant(before, id);
    await topUp(before, id, usd);
    await topUp(before, id, usd);
  }
  await createTenant(before, 'postpaid');
  await closeAll();
  // Its bus is a new one: all that is in its buckets comes from comparing everything.
  const store = await started();
  await until(async () => (await held(store, 'postpaid')) !== undefined);
  expect([await creditsHeld(store, 'acme'), await creditsHeld(store, 'beta')]).toEqual([4_000_000_000, 6_000_000_000]);
  expect(await held(store, 'postpaid')).not.toHaveProperty('creditsNanoUsd');
});

test('credits of gateway.yaml reach the entry of a tenant that is there already, and are no drift', async () => {
  const file = path.join(database.folder, 'credits.yaml');
  await writeFile(file, 'tenants: [{ id: acme }]\n');
  const store = await started({ GATEWAY_CONFIG: file });
  await until(async () => (await held(store, 'acme')) !== undefined);
  expect(await creditsHeld(store, 'acme')).toBeUndefined();
  await writeFile(file, 'tenants: [{ id: acme, credits: { usd: 100 } }]\n');
  await until(async () => (await creditsHeld(store, 'acme')) === 100_000_000_000, 5_000);
  expect(await store.reconciler.diff()).toMatchObject({ valid: true, changes: [] });
});

test('a tenant that pays in advance and paid nothing yet may spend nothing', async () => {
  const file = path.join(database.folder, 'prepaid.yaml');
  await writeFile(file, 'tenants: [{ id: prepaid, credits: { usd: 0 } }]\n');
  const store = await started({ GATEWAY_CONFIG: file });
  await until(async () => (await creditsHeld(store, 'prepaid')) === 0, 5_000);
  await topUp(store, 'prepaid', 2);
  await until(async () => (await creditsHeld(store, 'prepaid')) === 2_000_000_000, 5_000);
});

test('credits that a number does not hold exactly are not published as something else', async () => {
  const store = await started();
  await createTenant(store, 'acme');
  await database.sql(
    `INSERT INTO credit_entries (id, tenant_id, amount_nano_usd, kind, actor)
     VALUES ('crd_1', 'acme', 9007199254740991, 'top_up', 'sql'), ('crd_2', 'acme', 1, 'top_up', 'sql')`,
  );
  await expect(publishedTenants(store.prisma)).rejects.toThrow('acme');
  await database.sql(`DELETE FROM credit_entries WHERE id = 'crd_2'`);
  expect(await publishedTenants(store.prisma, ['acme'])).toMatchObject([{ creditsNanoUsd: 9_007_199_254_740_991 }]);
});
