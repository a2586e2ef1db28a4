import { mkdtemp, rename, rm, symlink, writeFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bucketKey, type KeyRecordV1, type PriceVersion, SETTINGS_KEY } from '@switchboard/contracts';
import {
  createKeyHasher,
  createMetrics,
  keyHash,
  type Metrics,
  withDemoTenant,
  withSimulator,
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
import type { AdminStore, AdminStoreOptions } from '../services/admin-store';
import type { Change } from '../services/mutations';

jest.setTimeout(60_000);

let database: AdminDatabase;
let folder: string;
let metrics: Metrics;
const stores: AdminStore[] = [];

beforeAll(async () => {
  database = await startAdminDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  await database.empty();
  folder = await mkdtemp(path.join(database.folder, 'config-'));
});
afterEach(closeAll);

async function closeAll(): Promise<void> {
  await Promise.all(stores.splice(0).map((store) => store.close()));
}

const FILE = `
providers:
  - { id: claude, kind: anthropic, apiKey: { file: claude-key } }
builtinModels: false
models:
  - { id: own/first, contextWindow: 1000, maxOutputTokens: 100, pricing: { input: 1, output: 2 }, upstreams: [{ provider: claude, model: x }] }
  - { id: own/second, contextWindow: 1000, maxOutputTokens: 100, pricing: { input: 1, output: 2 }, upstreams: [{ provider: claude, model: y }] }
tenants:
  - id: acme
    budget: { usd: 5, period: month }
    credits: { usd: 100 }
    keys:
      - { name: ci, key: { value: cm_test_ci } }
      - { name: cd, key: { hash: ${keyHash('cm_test_cd')} } }
`;

const write = (text: string, name = 'gateway.yaml') => writeFile(path.join(folder, name), text);

async function started(differs: Partial<AdminStoreOptions> & { env?: NodeJS.ProcessEnv } = {}) {
  metrics = createMetrics();
  const env = differs.env ?? {};
  const store = openStore(database, { config: { env, cwd: folder, standalone: false }, metrics, ...differs });
  stores.push(store);
  store.start();
  await store.ready;
  return store;
}

async function withFile(text = FILE): Promise<ReturnType<typeof openStore>> {
  await write('sk-secret', 'claude-key');
  await write(text);
  return started();
}

async function change<T>(store: AdminStore, work: (given: Change) => Promise<T>): Promise<T> {
  let result: T | undefined;
  await store.mutations.run({ actor: { name: 'alice' } }, async (given) => {
    result = await work(given);
    return { status: 200, body: {} };
  });
  return result as T;
}

const audited = async () =>
  (await database.sql('SELECT actor, action, resource_id FROM audit_log ORDER BY id')).map(
    (row) => `${String(row['actor'])} ${String(row['action'])} ${String(row['resource_id'])}`,
  );
const reconciles = async (result: string) => {
  const metric = await metrics.registry.getSingleMetric('switchboard_config_reconciles_total')?.get();
  return metric?.values.find(({ labels }) => labels['result'] === result)?.value ?? 0;
};
const forget = () => database.sql('TRUNCATE audit_log');
const keyEntry = (plaintext: string, pepper = 'pepper-1') =>
  bucketKey.key(createKeyHasher(ring(pepper as 'pepper-1')).current(keyHash(plaintext)).hash);

describe('at start', () => {
  test('the tables get what the file declares, each thing audited in its name, and it is published', async () => {
    const store = await withFile();
    expect((await audited()).map((line) => line.replace(/crd_.*/, 'crd'))).toEqual([
      ...['file:gateway.yaml tenant.create acme', 'file:gateway.yaml provider.create claude'],
      ...['file:gateway.yaml model.create own/first', 'file:gateway.yaml model.create own/second'],
      ...['file:gateway.yaml key.create key_acme_ci', 'file:gateway.yaml key.create key_acme_cd'],
      ...['file:gateway.yaml credit.open crd', 'file:gateway.yaml settings.create settings'],
    ]);
    expect(await store.tenants.get('acme')).toMatchObject({ managedBy: 'file', budget: { usd: 5 } });
    expect(await store.credits.totalNanoUsd('acme')).toBe(100_000_000_000n);
    await until(async () => (await heldCatalog(store.bus))[SETTINGS_KEY] !== undefined);
    expect(await heldKeys<KeyRecordV1>(store.bus)).toMatchObject({
      [keyEntry('cm_test_ci')]: { id: 'key_acme_ci', tenantId: 'acme' },
      [keyEntry('cm_test_cd')]: { id: 'key_acme_cd' },
    });
    const dump = JSON.stringify([
      await database.sql('SELECT * FROM audit_log, providers, key_secrets'),
      database.logged,
    ]);
    for (const secret of ['sk-secret', 'cm_test_ci', keyHash('cm_test_cd')]) expect(dump).not.toContain(secret);
  });

  test('again, with nothing changed, nothing is written; of several that start at once, one writes', async () => {
    await withFile();
    await closeAll();
    await forget();
    const rows = async () =>
      JSON.stringify(await database.sql('SELECT * FROM tenants, providers, models ORDER BY models.id'));
    const before = await rows();
    const [first] = await Promise.all([started(), started()]);
    expect([await audited(), await rows()]).toEqual([[], before]);
    expect(await first.reconciler.diff()).toEqual({
      source: 'gateway.yaml',
      valid: true,
      faults: [],
      changes: [],
      notes: [],
    });
    await closeAll();
    await database.empty();
    await Promise.all([started(), started(), started()]);
    expect((await audited()).filter((line) => line.includes('tenant.create'))).toHaveLength(1);
    expect((await audited()).filter((line) => line.includes('credit.open'))).toHaveLength(1);
  });

  test('without file and environment nothing is declared, and what the API made lives', async () => {
    const store = await started();
    await change(store, (given) => store.tenants.create(given, { id: 'mine', active: true, limits: {} }));
    await closeAll();
    const again = await started();
    expect(await again.tenants.get('mine')).toMatchObject({ active: true, managedBy: 'api' });
    await until(async () => (await heldCatalog(again.bus))[SETTINGS_KEY] !== undefined);
  });

  test('the environment declares its providers; `declare` adds to what is loaded', async () => {
    const declare: AdminStoreOptions['config']['declare'] = (config) =>
      withDemoTenant(withSimulator(config, { simulatorUrl: 'http://127.0.0.1:9' }), keyHash('cm_test_demo'));
    const config = { env: { OPENAI_API_KEY: 'sk-x' }, cwd: folder, standalone: true, declare };
    const store = await started({ config });
    const { data } = await store.providers.list({ limit: 9 });
    expect(data.map(({ id }) => id)).toEqual(['openai-direct', 'sim-anthropic', 'sim-openai']);
    expect((await audited())[0]).toMatch(/^file:environment /);
    expect(await store.keys.get('key_demo_demo')).toMatchObject({ managedBy: 'file' });
  });

  test('a file with faults leaves the last good state, and everything else goes on', async () => {
    await withFile();
    await closeAll();
    await forget();
    await write(FILE.replace('kind: anthropic', 'kind: anthropical').replace('rpm', 'x'));
    const store = await started();
    expect(await audited()).toEqual([]);
    expect(await reconciles('invalid')).toBe(1);
    expect(database.logged.filter((line) => line.includes('has faults'))).toHaveLength(1);
    expect(await store.reconciler.diff()).toMatchObject({
      valid: false,
      faults: [expect.stringContaining('providers[0].kind')],
    });
    await until(async () => (await heldCatalog(store.bus))[bucketKey.provider('claude')] !== undefined);
  });

  test('it waits for a Postgres that is not there yet, says so once, and begins when it is', async () => {
    await write('sk-secret', 'claude-key');
    await write(FILE);
    const port = await freePort();
    const store = openStore(database, {
      databaseUrl: database.url.replace(/:\d+\//, `:${port}/`),
      config: { env: {}, cwd: folder, standalone: false },
    });
    stores.push(store);
    store.start();
    await delay(2_500);
    const lines = (text: string) => database.logged.filter((line) => line.includes(text));
    expect(lines('waiting for Postgres')).toHaveLength(1);
    await expect(store.health[0]!.check()).rejects.toThrow();
    expect(await audited()).toEqual([]);
    const stopForwarding = await forward(port, Number(new URL(database.url).port));
    try {
      await store.ready;
      expect(lines('Postgres is there')).toHaveLength(1);
      await store.health[0]!.check();
      expect(await audited()).not.toEqual([]);
      await until(async () => (await heldCatalog(store.bus))[SETTINGS_KEY] !== undefined);
    } finally {
      await store.close();
      await stopForwarding();
    }
  });
});

describe('when it changes', () => {
  test('only what differs is written, within two seconds', async () => {
    const store = await withFile();
    await forget();
    await write(FILE.replace('usd: 5', 'usd: 6'));
    await until(async () => (await store.tenants.get('acme'))?.budget?.usd === 6, 2_000);
    expect(await audited()).toEqual(['file:gateway.yaml tenant.update acme']);
    await until(async () => {
      const tenant = (await heldKeys<{ budget?: object }>(store.bus))[bucketKey.tenant('acme')];
      return JSON.stringify(tenant?.budget) === '{"period":"month","nanoUsd":6000000000}';
    });
  });

  test('a price that changes is a new version, and the ones before stay; an announced one needs no change to hold', async () => {
    const store = await withFile();
    const rows = async () =>
      (
        await database.sql(
          "SELECT version, prices->>'input' AS input, actor FROM model_prices WHERE model_id = 'own/first' ORDER BY id",
        )
      ).map(({ version, input, actor }) => `${String(version)} ${String(input)} ${String(actor)}`);
    const first = ['v1 1000000 file:gateway.yaml'];
    expect(await rows()).toEqual(first);
    const from = new Date(Date.now() + 86_400_000).toISOString();
    const pricing = `pricing: [{ input: 3, output: 4 }, { from: ${from}, input: 5, output: 6 }]`;
    await write(FILE.replace('pricing: { input: 1, output: 2 }', pricing));
    await until(async () => (await store.models.get('own/first'))?.pricing.input === 3, 3_000);
    const all = [...first, 'v2 3000000 file:gateway.yaml', 'v3 5000000 file:gateway.yaml'];
    expect(await rows()).toEqual(all);
    const published = async () => {
      const record = (await heldCatalog<{ pricing: PriceVersion[] }>(store.bus))[bucketKey.model('own/first')];
      return record?.pricing.map(({ version, effectiveFromMs }) => [version, effectiveFromMs]);
    };
    await until(async () => (await published())?.length === 3);
    expect((await published())?.at(-1)).toEqual(['v3', Date.parse(from)]);
    await closeAll();
    await forget();
    await started();
    expect([await rows(), await audited()]).toEqual([all, []]);
  });

  test('a secret file that changes counts as well, also where it is a link that is switched', async () => {
    for (const version of ['one', 'two']) {
      await mkdir(path.join(folder, version));
      await write(`sk-${version}`, `${version}/claude-key`);
    }
    await symlink('one', path.join(folder, 'data'));
    await write(FILE.replace('claude-key', 'data/claude-key'));
    const store = await started();
    const sealedBefore = (await database.sql('SELECT sealed FROM providers'))[0]?.['sealed'];
    await forget();
    await symlink('two', path.join(folder, 'data-new'));
    await rename(path.join(folder, 'data-new'), path.join(folder, 'data'));
    await until(async () => (await audited()).length > 0, 3_000);
    expect(await audited()).toEqual(['file:gateway.yaml provider.update claude']);
    expect((await database.sql('SELECT sealed FROM providers'))[0]?.['sealed']).not.toBe(sealedBefore);
    expect(await store.providers.get('claude')).toMatchObject({ hasApiKey: true });
  });

  test('faults are told once, and the next good content is taken', async () => {
    const store = await withFile();
    await write(FILE.replace('pricing', 'prizing').replace('kind: anthropic', 'kind: other'));
    await until(() => database.logged.some((line) => line.includes('has faults')), 3_000);
    await delay(1_500);
    const lines = database.logged.filter((line) => line.includes('has faults'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/providers\[0\]\.kind.*models\[0\]\.prizing/);
    expect(await store.models.get('own/first')).toBeDefined();
    await write(FILE.replace('usd: 5', 'usd: 7'));
    await until(async () => (await store.tenants.get('acme'))?.budget?.usd === 7, 3_000);
  });

  test('a file that vanishes takes nothing with it', async () => {
    const store = await withFile();
    await forget();
    await rm(path.join(folder, 'gateway.yaml'));
    await until(() => database.logged.some((line) => line.includes('no longer there')), 3_000);
    expect(await audited()).toEqual([]);
    expect(await store.reconciler.diff()).toMatchObject({ valid: false });
  });

  test('what is no longer declared goes or ends; what the API made stays', async () => {
    const store = await withFile();
    const { id } = await change(store, async (given) => {
      await store.tenants.create(given, { id: 'mine', active: true, limits: {} });
      const logging = { requests: false, prompts: false };
      const lists = { permissions: ['*' as const], models: [], origins: [], ips: [] };
      const standard = { kind: 'service' as const, environment: 'live' as const, limits: {}, logging };
      return store.keys.create(given, { tenant: 'acme', name: 'api', ...standard, ...lists });
    });
    await forget();
    await write('tenants: [{ id: other }]');
    await until(async () => (await audited()).length > 0, 3_000);
    expect((await audited()).map((line) => line.slice('file:gateway.yaml '.length)).sort()).toEqual([
      ...['key.revoke key_acme_cd', 'key.revoke key_acme_ci', 'model.delete own/first', 'model.delete own/second'],
      ...['provider.delete claude', 'tenant.create other', 'tenant.deactivate acme'],
    ]);
    expect(await store.tenants.get('acme')).toMatchObject({ active: false, managedBy: 'api' });
    expect(await store.keys.get('key_acme_ci')).toMatchObject({ revoked: true });
    expect(await store.keys.get(id)).toMatchObject({ revoked: false });
    expect(await store.tenants.get('mine')).toMatchObject({ active: true });
    await until(async () => (await heldKeys<KeyRecordV1>(store.bus))[keyEntry('cm_test_ci')]?.revoked === true);
    await until(async () => (await heldCatalog(store.bus))[bucketKey.provider('claude')] === undefined);
    await write(FILE);
    await until(async () => (await store.keys.get('key_acme_ci'))?.revoked === false, 3_000);
    expect(await store.tenants.get('acme')).toMatchObject({ active: true, managedBy: 'file' });
    expect(await store.credits.totalNanoUsd('acme')).toBe(100_000_000_000n);
  });
});

describe('file and API together', () => {
  test('what the API changed of the file shows as drift, and the next start undoes it', async () => {
    const store = await withFile();
    await change(store, (given) => store.tenants.update(given, 'acme', { limits: { rpm: 1 } }));
    await change(store, (given) => store.providers.update(given, 'claude', { apiKey: 'sk-other' }));
    const { changes } = await store.reconciler.diff();
    expect(changes).toMatchObject([
      {
        resource: 'tenant',
        action: 'update',
        id: 'acme',
        before: { limits: { rpm: 1 } },
        after: { limits: {} },
        secretChanged: false,
      },
      { resource: 'provider', action: 'update', id: 'claude', secretChanged: true },
    ]);
    expect(JSON.stringify(changes)).not.toMatch(/sk-/);
    expect(await audited()).toContain('alice tenant.update acme');
    await closeAll();
    const again = await started();
    expect(await again.tenants.get('acme')).toMatchObject({ limits: {} });
    expect((await again.reconciler.diff()).changes).toEqual([]);
  });

  test('what the file newly declares becomes its own', async () => {
    const store = await withFile();
    await change(store, (given) =>
      store.tenants.create(given, { id: 'mine', name: 'Mine', active: true, limits: { rpm: 1 } }),
    );
    await write(`${FILE}  - { id: mine, name: Ours }\n`);
    await until(async () => (await store.tenants.get('mine'))?.managedBy === 'file', 3_000);
    expect(await store.tenants.get('mine')).toMatchObject({ name: 'Ours', limits: {} });
  });

  test('a key revoked through the API stays revoked though the file declares it; another secret brings it back', async () => {
    const store = await withFile();
    await change(store, (given) => store.keys.revoke(given, 'key_acme_ci'));
    await closeAll();
    const again = await started();
    expect(await again.keys.get('key_acme_ci')).toMatchObject({ revoked: true });
    expect((await again.reconciler.diff()).notes).toEqual([expect.stringContaining('key_acme_ci')]);
    // Nor by another name.
    await write(FILE.replace('name: ci', 'name: renamed'));
    await until(() => database.logged.some((line) => line.includes('key_acme_renamed')), 3_000);
    expect(await again.keys.get('key_acme_renamed')).toBeUndefined();
    await write(FILE.replace('cm_test_ci', 'cm_test_new'));
    await until(async () => (await again.keys.get('key_acme_ci'))?.revoked === false, 3_000);
    await until(async () => {
      const keys = await heldKeys(again.bus);
      return keys[keyEntry('cm_test_new')] !== undefined && keys[keyEntry('cm_test_ci')] === undefined;
    });
  });

  test('a key that goes by another name keeps its secret', async () => {
    const store = await withFile();
    await write(FILE.replace('name: ci', 'name: renamed'));
    await until(async () => (await store.keys.get('key_acme_renamed')) !== undefined, 3_000);
    expect(await store.keys.get('key_acme_ci')).toMatchObject({ revoked: true, secrets: [] });
    await until(
      async () => (await heldKeys<KeyRecordV1>(store.bus))[keyEntry('cm_test_ci')]?.id === 'key_acme_renamed',
    );
  });
});

describe('rotation of our own secrets', () => {
  test('a new pepper: keys of the file get the new hash, the old one stays for a while; keys of the API stay as they are', async () => {
    const store = await withFile();
    const made = await change(store, (given) => {
      const logging = { requests: false, prompts: false };
      const lists = { permissions: ['*' as const], models: [], origins: [], ips: [] };
      const standard = { kind: 'service' as const, environment: 'live' as const, limits: {}, logging };
      return store.keys.create(given, { tenant: 'acme', name: 'api', ...standard, ...lists });
    });
    await closeAll();
    await forget();
    const peppers = ring('pepper-2', 'pepper-1');
    const again = await started({ peppers });
    expect(await audited()).toEqual([
      'file:gateway.yaml key.update key_acme_ci',
      'file:gateway.yaml key.update key_acme_cd',
    ]);
    const { secrets } = (await again.keys.get('key_acme_ci'))!;
    expect(secrets.map(({ pepperId, expiresAt }) => [pepperId, expiresAt !== null]).sort()).toEqual([
      ['pepper-1', true],
      ['pepper-2', false],
    ]);
    expect((await again.keys.get(made.id))?.secrets).toMatchObject([{ pepperId: 'pepper-1', expiresAt: null }]);
    await until(async () => {
      const keys = await heldKeys(again.bus);
      const names = [keyEntry('cm_test_ci'), keyEntry('cm_test_ci', 'pepper-2'), keyEntry(made.key)];
      return names.every((name) => keys[name] !== undefined);
    });
    await closeAll();
    await forget();
    await started({ peppers });
    expect(await audited()).toEqual([]);
  });

  test('a new key-encryption key: every credential is sealed anew and published, audited, and then the old one may go', async () => {
    const store = await withFile();
    await change(store, (given) => {
      const timeouts = { connectMs: 1, firstTokenMs: 1, idleMs: 1, totalMs: 1 };
      const standard = { headers: {}, tier: 2, timeouts, limits: {}, trustedNetwork: false };
      return store.providers.create(given, { id: 'mine', kind: 'openai', apiKey: 'sk-mine', ...standard });
    });
    const { id } = await change(store, (given) => {
      const url = 'https://hooks.example.com/?token=x';
      return store.webhooks.create(given, { url, events: ['budget.period_started'], trustedNetwork: false });
    });
    await closeAll();
    await forget();
    const rotated = await started({ kek: ring('kek-2', 'kek-1') });
    expect(await audited()).toEqual([
      ...['system provider.reseal claude', 'system provider.reseal mine', `system webhook.reseal ${id}`],
    ]);
    await until(async () => {
      const record = (await heldCatalog<{ sealed?: string }>(rotated.bus))[bucketKey.provider('mine')];
      return record?.sealed?.startsWith('v1.kek-2.') === true;
    });
    await closeAll();
    await forget();
    const after = await started({ kek: ring('kek-2') });
    expect(await after.providers.get('mine')).toMatchObject({ hasApiKey: true, secretsReadable: true });
    expect(await after.webhooks.get(id)).toMatchObject({ hasQuery: true, secretsReadable: true });
    expect(await audited()).toEqual([]);
  });

  test('a key-encryption key that is gone: the file gives its credentials anew, the others are named in the log', async () => {
    const store = await withFile();
    await change(store, (given) => {
      const timeouts = { connectMs: 1, firstTokenMs: 1, idleMs: 1, totalMs: 1 };
      const standard = { headers: {}, tier: 2, timeouts, limits: {}, trustedNetwork: false };
      return store.providers.create(given, { id: 'mine', kind: 'openai', apiKey: 'sk-mine', ...standard });
    });
    await closeAll();
    const after = await started({ kek: ring('kek-3') });
    expect(await after.providers.get('claude')).toMatchObject({ hasApiKey: true, secretsReadable: true });
    expect(await after.providers.get('mine')).toMatchObject({ secretsReadable: false });
    expect(database.logged.some((line) => line.includes('cannot be opened') && line.includes('mine'))).toBe(true);
    const partly = change(after, (given) => after.providers.update(given, 'mine', { tier: 1 }));
    await expect(partly).rejects.toMatchObject({ status: 409 });
    await change(after, (given) => after.providers.update(given, 'mine', { apiKey: 'sk-new', headers: {} }));
    expect(await after.providers.get('mine')).toMatchObject({ secretsReadable: true, hasApiKey: true });
  });
});
