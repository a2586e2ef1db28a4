import { setTimeout as delay } from 'node:timers/promises';
import { BUCKETS, bucketKey, type Bus, type KeyRecordV1, SETTINGS_KEY } from '@switchboard/contracts';
import {
  createKeyHasher,
  createLocalBus,
  createMetrics,
  decodeProvider,
  createSealer,
  keyHash,
  freePort,
} from '@switchboard/platform';
import {
  type AdminDatabase,
  heldCatalog,
  heldKeys,
  openStore,
  ring,
  startAdminDatabase,
  until,
} from '../services/__fixtures__/admin-database';
import { forward } from '../services/__fixtures__/forwarded-port';
import { FlakyBus } from '../services/__fixtures__/flaky-bus';
import type { AdminStore } from '../services/admin-store';
import type { Change } from '../services/mutations';

jest.setTimeout(60_000);

let database: AdminDatabase;
let bus: FlakyBus;
const stores: AdminStore[] = [];

beforeAll(async () => {
  database = await startAdminDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  await database.empty();
  bus = new FlakyBus(createLocalBus({ log: database.log }));
});
afterEach(async () => {
  bus.beforeWrite = () => undefined;
  await Promise.all(stores.splice(0).map((store) => store.close()));
});

/** Another replica of the service. */
function replica(on: Bus = bus): AdminStore {
  const store = openStore(database, { bus: on });
  stores.push(store);
  return store;
}

async function started(on: Bus = bus): Promise<AdminStore> {
  const store = replica(on);
  store.start();
  await store.ready;
  await until(async () => (await heldCatalog(on))[SETTINGS_KEY] !== undefined);
  return store;
}

async function change<T>(store: AdminStore, work: (given: Change) => Promise<T>): Promise<T> {
  let result: T | undefined;
  await store.mutations.run({ actor: { name: 'alice' } }, async (given) => {
    result = await work(given);
    return { status: 200, body: {} };
  });
  return result as T;
}

const createTenant = (store: AdminStore, id = 'acme') =>
  change(store, (given) => store.tenants.create(given, { id, active: true, limits: {} }));
const rename = (store: AdminStore, name: string) =>
  change(store, (given) => store.tenants.update(given, 'acme', { name }));
const nameHeld = async () => (await heldKeys<{ name?: string }>(bus))[bucketKey.tenant('acme')]?.name;
const depth = async () => (await database.sql('SELECT count(*)::int AS n FROM outbox'))[0]?.['n'];

const keyInput = {
  ...{ tenant: 'acme', name: 'ci', kind: 'service' as const, environment: 'live' as const, limits: {} },
  ...{ permissions: ['*' as const], models: [], origins: [], ips: [] },
  logging: { requests: false, prompts: false },
};

const createKey = (store: AdminStore) => change(store, (given) => store.keys.create(given, keyInput));

/** The same bus without what holds the other replica up. */
class ViewOf extends FlakyBus {
  constructor(of: FlakyBus) {
    super((of as unknown as { inner: Bus }).inner);
  }
}

/** Holds the next put up, on `bus`, until it is called. */
function hold(): (() => void) & { isHolding: () => boolean } {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let holding = false;
  bus.beforeWrite = async () => {
    if (holding) return;
    holding = true;
    await released;
  };
  return Object.assign(() => release(), { isHolding: () => holding });
}

const keyEntry = (plaintext: string) =>
  bucketKey.key(createKeyHasher(ring('pepper-1')).current(keyHash(plaintext)).hash);

test('a change is in the bucket within a second of its commit, and its outbox row is gone', async () => {
  const store = await started();
  await createTenant(store);
  const startedAt = performance.now();
  await rename(store, 'Renamed');
  await until(async () => (await nameHeld()) === 'Renamed', 1_000);
  expect(performance.now() - startedAt).toBeLessThan(1_000);
  await until(async () => (await depth()) === 0, 1_000);
});

test('a key travels with its hash, its tenant apart; revoked it says so; removed it leaves the mark of a deletion', async () => {
  const store = await started();
  await createTenant(store);
  const { id, key } = await createKey(store);
  await until(async () => (await heldKeys(bus))[keyEntry(key)] !== undefined);
  const record = (await heldKeys<KeyRecordV1>(bus))[keyEntry(key)];
  expect(record).toMatchObject({ id, tenantId: 'acme', revoked: false, permissions: ['*'] });
  expect(bucketKey.key(record?.hash ?? '')).toBe(keyEntry(key));
  await change(store, (given) => store.keys.revoke(given, id));
  await until(async () => (await heldKeys<KeyRecordV1>(bus))[keyEntry(key)]?.revoked === true);
  await change(store, (given) => store.tenants.remove(given, 'acme'));
  await until(async () => (await heldKeys(bus))[keyEntry(key)] === undefined);
  const mark = await bus.bucket(BUCKETS.keys).get(keyEntry(key));
  expect(mark).toMatchObject({ key: keyEntry(key) });
  expect(mark?.value).toBeUndefined();
});

test('a provider travels sealed and opens where the ring is', async () => {
  const store = await started();
  const sealed = () => heldCatalog(bus).then((entries) => entries[bucketKey.provider('claude')]);
  await change(store, async (given) => {
    const timeouts = { connectMs: 1, firstTokenMs: 1, idleMs: 1, totalMs: 1 };
    const standard = { headers: { 'x-a': 'hidden' }, tier: 2, timeouts, limits: {}, trustedNetwork: false };
    return store.providers.create(given, { id: 'claude', kind: 'anthropic', apiKey: 'sk-secret', ...standard });
  });
  await until(async () => (await sealed()) !== undefined);
  const record = (await sealed()) as never;
  expect(JSON.stringify(record)).not.toMatch(/sk-secret|hidden/);
  expect(decodeProvider(record, createSealer(ring('kek-1')))).toMatchObject({
    apiKey: 'sk-secret',
    headers: { 'x-a': 'hidden' },
  });
});

test('a tenant is published before its keys, and deleted after them, however slow the bus is with it', async () => {
  const store = await started();
  const slowWith = (kind: string) => (name: string) => (name.startsWith(kind) ? delay(50) : undefined);
  bus.writes.length = 0;
  bus.beforeWrite = slowWith('tenant.');
  const key = await change(store, async (given) => {
    await store.tenants.create(given, { id: 'acme', active: true, limits: {} });
    return store.keys.create(given, keyInput);
  });
  await until(async () => (await depth()) === 0);
  expect(bus.writes).toEqual([bucketKey.tenant('acme'), keyEntry(key.key)]);
  bus.beforeWrite = slowWith('key.');
  await change(store, (given) => store.tenants.remove(given, 'acme'));
  await until(async () => (await depth()) === 0);
  expect(bus.writes.slice(2)).toEqual([keyEntry(key.key), bucketKey.tenant('acme')]);
});

test('what was committed by a replica that died before it published is published by another', async () => {
  await started();
  const dying = replica();
  // The first round of the living one is over.
  await delay(300);
  await createTenant(dying);
  await rename(dying, 'From the dead');
  await until(async () => (await nameHeld()) === 'From the dead', 3_000);
});

test('a put that fails leaves its outbox row, and is made good', async () => {
  const store = await started();
  let failures = 0;
  bus.beforeWrite = () => {
    if (failures++ < 2) throw new Error('lost on the way');
  };
  await createTenant(store);
  expect(await depth()).toBe(1);
  await until(async () => (await nameHeld()) === 'acme');
  await until(async () => (await depth()) === 0);
  const warnings = database.logged.filter((line) => line.includes('cannot be published'));
  expect(warnings).toHaveLength(1);
  await until(() => database.logged.some((line) => line.includes('can be read again')));
});

test('of two replicas one publishes at a time, so that nobody overwrites what is newer', async () => {
  const slow = await started();
  await createTenant(slow);
  await until(async () => (await nameHeld()) === 'acme' && (await depth()) === 0);
  const fast = replica(new ViewOf(bus));
  const release = hold();
  await rename(slow, 'old');
  await until(() => release.isHolding());
  fast.start();
  await fast.ready;
  await rename(fast, 'new');
  await delay(500);
  release();
  await until(async () => (await depth()) === 0);
  await delay(200);
  expect(await nameHeld()).toBe('new');
});

test('two replicas under many changes at once: the bucket ends with what the tables say', async () => {
  const [first, second] = await Promise.all([started(), started()]);
  await createTenant(first);
  bus.beforeWrite = () => delay(Math.random() * 20);
  for (let round = 0; round < 40; round++) {
    await Promise.all([rename(first, `first ${round}`), rename(second, `second ${round}`)]);
  }
  await until(async () => (await depth()) === 0);
  expect(await nameHeld()).toBe((await first.tenants.get('acme'))?.name);
});

test('an older state that lands late, after another replica has published, is put right', async () => {
  const slow = await started();
  await createTenant(slow);
  await until(async () => (await nameHeld()) === 'acme' && (await depth()) === 0);
  const fast = await started(new ViewOf(bus));
  const release = hold();
  // The other replica may be faster to publish it.
  for (let attempt = 0; !release.isHolding(); attempt++) {
    await rename(slow, `old ${attempt}`);
    await until(release.isHolding, 300).catch(() => undefined);
  }
  // Its database connection goes, and the lock with it, while its put is still on the way.
  await database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'");
  await rename(fast, 'new');
  await until(async () => (await nameHeld()) === 'new');
  release();
  await until(async () => (await nameHeld())?.startsWith('old') === true);
  await until(async () => (await nameHeld()) === 'new' && (await depth()) === 0, 5_000);
});

test('after the bus comes back empty everything is there again, the settings last; what is surplus is deleted', async () => {
  const store = await started();
  await createTenant(store);
  const { key } = await createKey(store);
  await until(async () => (await depth()) === 0);
  const before = [await heldCatalog(bus), await heldKeys(bus)];
  bus.down();
  await until(() => database.logged.some((line) => line.includes('waiting for the bus')), 3_000);
  await expect(store.health.find(({ name }) => name === 'catalog-published')?.check()).rejects.toThrow('away');
  await rename(store, 'Meanwhile');
  await until(() => store.distributor.outbox.depth === 1);
  await rename(store, 'acme');
  const raw = (bus as unknown as { inner: Bus }).inner;
  for (const definition of [BUCKETS.catalog, BUCKETS.keys]) {
    const bucket = raw.bucket(definition);
    for (const name of await bucket.keys()) await bucket.delete(name);
  }
  await raw.bucket(BUCKETS.catalog).put(bucketKey.model('stale'), Buffer.from('{}'));
  await raw.bucket(BUCKETS.keys).put(bucketKey.tenant('acme'), Buffer.from('{"id":"acme","name":"altered"}'));
  bus.writes.length = 0;
  bus.up();
  await until(async () => (await heldCatalog(bus))[SETTINGS_KEY] !== undefined);
  expect([await heldCatalog(bus), await heldKeys(bus)]).toEqual(before);
  expect(bus.writes.at(-1)).toBe(SETTINGS_KEY);
  expect([...bus.writes].sort()).toEqual(
    [SETTINGS_KEY, bucketKey.model('stale'), bucketKey.tenant('acme'), keyEntry(key)].sort(),
  );
  await until(() =>
    store.health[1]!.check().then(
      () => true,
      () => false,
    ),
  );
  expect(database.logged.filter((line) => line.includes('waiting for the bus'))).toHaveLength(1);
});

test('a rebuild that finds everything as it should be writes nothing', async () => {
  const store = await started();
  await createTenant(store);
  await until(async () => (await depth()) === 0 && (await nameHeld()) === 'acme');
  await delay(50);
  bus.writes.length = 0;
  store.distributor.rebuild();
  await until(() =>
    store.health[1]!.check().then(
      () => true,
      () => false,
    ),
  );
  expect(bus.writes).toEqual([]);
});

test('a secret whose overlap is over ends at the edges by itself, and is removed from table and bucket', async () => {
  const store = await started();
  await createTenant(store);
  const { id, key } = await createKey(store);
  const rotated = await change(store, (given) => store.keys.rotate(given, id, { overlapSeconds: 2 }));
  await until(async () => (await heldKeys<KeyRecordV1>(bus))[keyEntry(key)]?.expiresAtMs !== undefined);
  const old = (await heldKeys<KeyRecordV1>(bus))[keyEntry(key)];
  expect(Math.abs((old?.expiresAtMs ?? 0) - Date.now() - 2_000)).toBeLessThan(1_000);
  expect((await heldKeys<KeyRecordV1>(bus))[keyEntry(rotated.key)]?.expiresAtMs).toBeUndefined();
  await delay(2_100);
  // The next start tidies at once.
  await started();
  await until(async () => (await heldKeys(bus))[keyEntry(key)] === undefined);
  expect(await database.sql('SELECT count(*)::int AS n FROM key_secrets')).toEqual([{ n: 1 }]);
  expect((await store.keys.get(id))?.secrets).toHaveLength(1);
});

test('tables that were never reconciled wipe no bucket', async () => {
  await bus.bucket(BUCKETS.keys).put(bucketKey.tenant('acme'), Buffer.from('{"id":"acme"}'));
  const store = openStore(database, { bus, env: { GATEWAY_CONFIG: '/nowhere/gateway.yaml' } });
  stores.push(store);
  store.start();
  await store.ready;
  await delay(1_500);
  expect(Object.keys(await heldKeys(bus))).toEqual([bucketKey.tenant('acme')]);
});

test('depth, age and publishes are counted', async () => {
  const metrics = createMetrics();
  const store = openStore(database, { bus, metrics });
  stores.push(store);
  store.start();
  await store.ready;
  // Else the first comparison may publish it.
  await until(async () => (await heldCatalog(bus))[SETTINGS_KEY] !== undefined);
  await createTenant(store);
  await until(async () => (await nameHeld()) === 'acme');
  bus.beforeWrite = () => delay(1_500);
  await rename(store, 'later');
  await until(async () => (await metrics.registry.metrics()).includes('switchboard_outbox_entries 1'));
  bus.beforeWrite = () => undefined;
  const exposition = await metrics.registry.metrics();
  expect(exposition).toContain(`switchboard_catalog_publishes_total{bucket="${BUCKETS.keys.name}",action="put"} 1`);
  expect(exposition).toContain('switchboard_catalog_rebuild_seconds_count 1');
});

test('while Postgres is away nothing is changed and nothing published; once it is back all goes on by itself', async () => {
  const port = await freePort();
  let stopForwarding = await forward(port, Number(new URL(database.url).port));
  const store = openStore(database, { bus, databaseUrl: database.url.replace(/:\d+\//, `:${port}/`) });
  stores.push(store);
  store.start();
  await store.ready;
  await createTenant(store);
  await until(async () => (await nameHeld()) === 'acme');
  await stopForwarding();
  await expect(rename(store, 'lost')).rejects.toThrow();
  await expect(store.health[0]!.check()).rejects.toThrow();
  await delay(2_500);
  expect(database.logged.filter((line) => line.includes('cannot be published'))).toHaveLength(1);
  expect(await nameHeld()).toBe('acme');
  stopForwarding = await forward(port, Number(new URL(database.url).port));
  await until(() => database.logged.some((line) => line.includes('can be read again')));
  await store.health[0]!.check();
  await rename(store, 'Back');
  await until(async () => (await nameHeld()) === 'Back', 2_000);
  await store.close();
  await stopForwarding();
});
