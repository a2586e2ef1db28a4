import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { bucketKey, type Bus, SETTINGS_KEY } from '@switchboard/contracts';
import { createCatalogReplica, type LocalServer, openNatsBus, startNats } from '@switchboard/platform';
import {
  type AdminDatabase,
  heldCatalog,
  heldKeys,
  openStore,
  startAdminDatabase,
  until,
} from '../services/__fixtures__/admin-database';
import type { AdminStore } from '../services/admin-store';

jest.setTimeout(120_000);

const KEYS = 2_000;

let database: AdminDatabase;
let folder: string;
let nats: LocalServer;
let bus: Bus;
let store: AdminStore;

beforeAll(async () => {
  database = await startAdminDatabase();
  folder = await mkdtemp(path.join(database.folder, 'nats-'));
  nats = await startNats({ folder, log: database.log });
  bus = openNatsBus({ url: nats.url, name: 'test', log: database.log });
});
afterAll(async () => {
  await store.close();
  await bus.close();
  await nats.stop();
  await database.stop();
});

async function insertKeys(): Promise<void> {
  await database.sql(`INSERT INTO tenants (id, name, managed_by) VALUES ('acme', 'Acme', 'api')`);
  await database.sql(
    `INSERT INTO api_keys (id, tenant_id, name, kind, permissions, models, origins, ips, logging, managed_by)
     SELECT 'key_' || n, 'acme', 'n' || n, 'service', '["*"]', '[]', '[]', '[]', '{"requests":false,"prompts":false}', 'api'
       FROM generate_series(1, $1) n`,
    [KEYS],
  );
  await database.sql(
    `INSERT INTO key_secrets (hash, pepper_id, key_id, hint)
     SELECT encode(sha256(('k' || n)::bytea), 'hex'), 'pepper-1', 'key_' || n, '' FROM generate_series(1, $1) n`,
    [KEYS],
  );
}

test('a NATS that comes back without its streams gets everything again, changes made meanwhile included', async () => {
  await insertKeys();
  store = openStore(database, { bus, env: { OPENAI_API_KEY: 'sk-x' } });
  store.start();
  await store.ready;
  const replica = createCatalogReplica({ bus, log: database.log });
  await replica.ready;
  await until(async () => Object.keys(await heldKeys(bus)).length === KEYS + 1);
  const { port } = nats;
  await nats.stop();
  await rm(path.join(folder, 'nats'), { recursive: true });
  await store.mutations.run({ actor: { name: 'alice' } }, async (change) => {
    await store.tenants.update(change, 'acme', { name: 'Renamed' });
    await store.providers.update(change, 'openai-direct', { tier: 0 });
    return { status: 200, body: {} };
  });
  // The last catalog stays in use.
  expect(replica.current().providers.get('openai-direct')).toMatchObject({ tier: 2 });
  nats = await startNats({ folder, port, log: database.log });
  const startedAt = performance.now();
  await until(async () => (await catalogNow())[SETTINGS_KEY] !== undefined, 30_000);
  await until(() => replica.current().providers.get('openai-direct')?.tier === 0);
  await until(async () => Object.keys(await heldKeys(bus)).length === KEYS + 1, 30_000);
  expect((await heldKeys<{ name: string }>(bus))[bucketKey.tenant('acme')]?.name).toBe('Renamed');
  expect(performance.now() - startedAt).toBeLessThan(20_000);
  await replica.stop();
});

/** Nothing while the bus is away. */
async function catalogNow(): Promise<Record<string, unknown>> {
  return bus.connected ? heldCatalog(bus).catch(() => ({})) : {};
}
