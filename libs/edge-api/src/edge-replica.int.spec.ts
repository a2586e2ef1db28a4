import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KeyStoreUnavailableError, type Bus, type KeyRecord } from '@switchboard/contracts';
import { createKeyHasher, createMetrics, openNatsBus, startNats, type LocalServer } from '@switchboard/platform';
import { BucketKeyDirectory } from './adapters/key-directory';
import { CatalogBucket, startEdge, startUpstream, type Edge } from './__fixtures__/edge';
import { hasher, KeysBucket, NEW_PEPPER, OLD_PEPPER, sha256Hex, silent, until } from './__fixtures__/keys-bucket';

jest.setTimeout(60_000);

let folder: string;
let nats: LocalServer;
const opened: Bus[] = [];
const directories: BucketKeyDirectory[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'edge-'));
  nats = await startNats({ folder, log: silent });
});
afterEach(async () => {
  await Promise.all(directories.splice(0).map((directory) => directory.stop()));
  await Promise.all(opened.splice(0).map((bus) => bus.close()));
  await nats.stop('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

async function connected(): Promise<Bus> {
  const bus = openNatsBus({ url: nats.url, name: 'test', log: silent });
  opened.push(bus);
  await until(() => bus.connected, 'the connection');
  return bus;
}

async function directoryOn(bus: Bus, by = hasher): Promise<BucketKeyDirectory> {
  const metrics = createMetrics();
  const directory = new BucketKeyDirectory({ bus, hasher: by, log: silent, metrics });
  directories.push(directory);
  return Promise.resolve(directory);
}

/** NATS comes back at the same address, with what it kept or, in another folder, with nothing. */
async function restart(buses: Bus[], data = folder): Promise<void> {
  nats = await startNats({ folder: data, port: nats.port, log: silent });
  await until(() => buses.every((bus) => bus.connected), 'the reconnection', 20_000);
}

async function stopNats(buses: Bus[]): Promise<void> {
  await nats.stop();
  await until(() => buses.every((bus) => !bus.connected), 'the disconnection');
}

const held = (directory: BucketKeyDirectory, plaintext: string): KeyRecord | undefined | 'asked for' => {
  const found = directory.find(sha256Hex(plaintext));
  if (!(found instanceof Promise)) return found;
  found.catch(() => undefined);
  return 'asked for';
};

describe('keys over NATS', () => {
  it('a revocation, a tenant’s change and a new key are known within a second on every edge', async () => {
    const [admin, ...edges] = [await connected(), await connected(), await connected()];
    const store = new KeysBucket(admin!);
    await store.putTenant();
    await store.putKey('one');
    const directories = await Promise.all(edges.map((bus) => directoryOn(bus)));
    for (const directory of directories) {
      expect(await directory.find(sha256Hex('one'))).toMatchObject({ id: 'key_one', revoked: false });
      expect(await directory.find(sha256Hex('new'))).toBeUndefined();
    }
    const startedMs = performance.now();
    await store.putKey('one', { revoked: true });
    await store.putTenant({ active: false });
    await store.putKey('new');
    for (const directory of directories) {
      await until(() => (held(directory, 'one') as KeyRecord).revoked, 'the revocation', 1_000);
      await until(() => !(held(directory, 'one') as KeyRecord).tenant.active, 'the deactivation', 1_000);
      await until(() => typeof held(directory, 'new') === 'object', 'the new key', 1_000);
    }
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  it('while NATS is away known keys are served and others are out of reach; what was missed is caught up with', async () => {
    const [admin, edge] = [await connected(), await connected()];
    const store = new KeysBucket(admin);
    await store.putTenant();
    for (const name of ['kept', 'revoked', 'deleted']) await store.putKey(name);
    const directory = await directoryOn(edge);
    for (const name of ['kept', 'revoked', 'deleted']) await directory.find(sha256Hex(name));
    const kept = held(directory, 'kept');

    await stopNats([admin, edge]);
    expect(held(directory, 'kept')).toBe(kept);
    await expect(directory.find(sha256Hex('other'))).rejects.toBeInstanceOf(KeyStoreUnavailableError);

    await restart([admin, edge]);
    await store.putKey('revoked', { revoked: true });
    await store.deleteKey('deleted');
    await store.putKey('other');
    await until(() => (held(directory, 'revoked') as KeyRecord).revoked, 'the revocation', 1_000);
    await until(() => held(directory, 'deleted') === undefined, 'the deletion', 1_500);
    expect(held(directory, 'kept')).toBe(kept);
    expect(await directory.find(sha256Hex('other'))).toMatchObject({ id: 'key_other' });
  });

  it('a key revoked while JetStream was lost and written anew is seen, and the others are served throughout', async () => {
    const [admin, edge] = [await connected(), await connected()];
    const store = new KeysBucket(admin);
    await store.putTenant();
    await store.putKey('kept');
    await store.putKey('revoked');
    const directory = await directoryOn(edge);
    for (const name of ['kept', 'revoked']) await directory.find(sha256Hex(name));

    await stopNats([admin, edge]);
    const wiped = await mkdtemp(path.join(tmpdir(), 'edge-wiped-'));
    await restart([admin, edge], wiped);
    try {
      // Empty for a while: that says nothing about known keys.
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(held(directory, 'kept')).toMatchObject({ id: 'key_kept' });
      // In the order of the first time, so that every entry has the revision it had, but not the content.
      await store.putTenant();
      await store.putKey('kept');
      await store.putKey('revoked', { revoked: true });
      await until(() => (held(directory, 'revoked') as KeyRecord).revoked, 'the revocation', 1_000);
      expect(held(directory, 'kept')).toMatchObject({ id: 'key_kept', revoked: false });
    } finally {
      await nats.stop('SIGKILL');
      await rm(wiped, { recursive: true, force: true });
    }
  });

  it('a key is found under an older pepper, and under the new one once it is stored anew', async () => {
    const [admin, edge] = [await connected(), await connected()];
    const rotated = createKeyHasher([NEW_PEPPER, OLD_PEPPER]);
    const store = new KeysBucket(admin);
    await store.putTenant();
    await store.putKey('one');
    const directory = await directoryOn(edge, rotated);
    expect(await directory.find(sha256Hex('one'))).toMatchObject({ id: 'key_one' });
    await store.putKey('one', { name: 'anew' }, rotated);
    await store.deleteKey('one');
    await until(() => (held(directory, 'one') as KeyRecord).name === 'anew', 'the new place', 1_500);
  });
});

describe('an edge over NATS', () => {
  it('comes up without NATS, opens when the catalog is there, and serves on when NATS is gone', async () => {
    const upstream = await startUpstream();
    await nats.stop();
    const bus = openNatsBus({ url: nats.url, name: 'edge', log: silent });
    opened.push(bus);
    const edge: Edge = startEdge(bus);
    const health = async (): Promise<string[]> => {
      const down = edge.replica.health.map(async ({ name, required, check }) => {
        return (await check().then(
          () => true,
          () => false,
        ))
          ? []
          : [required ? name : `${name} (optional)`];
      });
      return (await Promise.all(down)).flat();
    };
    try {
      expect(await health()).toEqual(['nats', 'catalog', 'public-port']);
      await restart([bus]);
      const [keys, catalog] = [new KeysBucket(bus), new CatalogBucket(bus)];
      await keys.putTenant();
      await keys.putKey('one');
      await catalog.putProvider('here', upstream.url);
      await catalog.putModel('test/model', ['here']);
      await catalog.putSettings();
      const url = `http://127.0.0.1:${await edge.opened}/v1/chat/completions`;
      const statusOf = async (key: string): Promise<number> => {
        const body = JSON.stringify({ model: 'test/model', messages: [{ role: 'user', content: 'Hi' }] });
        return (await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body })).status;
      };
      expect(await statusOf('one')).toBe(200);
      expect(await health()).toEqual([]);
      await stopNats([bus]);
      expect([await statusOf('one'), await statusOf('other')]).toEqual([200, 503]);
      expect(await health()).toEqual(['nats (optional)']);
      await restart([bus]);
      expect(await statusOf('other')).toBe(401);
    } finally {
      await edge.replica.close();
      await upstream.close();
    }
  });
});
