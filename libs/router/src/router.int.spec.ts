import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  BUCKETS,
  bucketKey,
  type Bus,
  decodeJson,
  encodeJson,
  type RoutingSnapshotV1,
  SETTINGS_KEY,
  SNAPSHOT_KEY,
} from '@switchboard/contracts';
import {
  createLogger,
  createMetrics,
  encodeModel,
  type LocalServer,
  openNatsBus,
  startNats,
} from '@switchboard/platform';
import { model, provider, upstream } from './__fixtures__/catalog';
import { createRouterClient } from './client';
import { createRouter, type Router } from './router';

jest.setTimeout(60_000);

const log = createLogger({ level: 'silent', name: 'test' });
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let folders: string[];
let nats: LocalServer;
let admin: Bus;
let buses: Bus[];
let routers: Router[];

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'switchboard-router-'));
  folders.push(folder);
  return folder;
}

beforeEach(async () => {
  [folders, buses, routers] = [[], [], []];
  nats = await startNats({ folder: await newFolder(), log });
  admin = connect('admin');
});

afterEach(async () => {
  await Promise.all(routers.map((router) => router.close()));
  await Promise.all(buses.map((bus) => bus.close()));
  await nats.stop();
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

function connect(name: string): Bus {
  const bus = openNatsBus({ url: nats.url, name, log });
  buses.push(bus);
  return bus;
}

function start(): Router {
  const router = createRouter({ bus: connect('router'), log, metrics: createMetrics() });
  routers.push(router);
  return router;
}

async function eventually<T>(read: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const found = await read().catch(() => undefined);
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error('it did not come about within 15 s');
    await pause(20);
  }
}

const put = (key: string, value: unknown) =>
  eventually(() => admin.bucket(BUCKETS.catalog).put(key, encodeJson(value)));

async function putModel(id: string): Promise<void> {
  await put(bucketKey.model(id), encodeModel(model(id, [upstream('cloud', id)]), 0));
}

async function publishCatalog(...modelIds: string[]): Promise<void> {
  const { headers: _, ...open } = provider('cloud', 2);
  await put(bucketKey.provider('cloud'), { ...open, sealed: 'v1.k.x' });
  for (const id of modelIds) await putModel(id);
  await put(SETTINGS_KEY, { brand: {}, auto: { order: ['tier'], models: ['*'] }, limiterUnavailable: 'open' });
}

const routed = (...modelIds: string[]): Promise<true> =>
  eventually(async () => {
    const entry = await admin.bucket(BUCKETS.routing).get(SNAPSHOT_KEY);
    const models = entry?.value && Object.keys(decodeJson<RoutingSnapshotV1>(entry.value).models);
    return models?.sort().join() === modelIds.sort().join() ? true : undefined;
  });

test('two routers publish one snapshot, follow the catalog within a second, and either explains', async () => {
  start();
  start();
  await publishCatalog('a');
  await routed('a');
  const changedAt = performance.now();
  await putModel('b');
  await routed('a', 'b');
  expect(performance.now() - changedAt).toBeLessThan(1_000);
  expect((await createRouterClient({ bus: admin }).explain({ model: 'b' })).candidates).toHaveLength(1);
  await routers[0]?.close();
  expect((await createRouterClient({ bus: admin }).explain({ model: 'b' })).candidates).toHaveLength(1);
});

test('what is deleted leaves the routing', async () => {
  start();
  await publishCatalog('a', 'b');
  await routed('a', 'b');
  await admin.bucket(BUCKETS.catalog).delete(bucketKey.model('a'));
  await routed('b');
});

test('NATS comes back with nothing: the last catalog is published anew, until a whole new one is there', async () => {
  const { health } = start();
  await publishCatalog('a', 'b');
  await routed('a', 'b');
  const { port } = nats;
  await nats.stop();
  nats = await startNats({ folder: await newFolder(), port, log });
  await routed('a', 'b');
  await health.check();
  await putModel('c');
  await pause(300);
  await routed('a', 'b');
  await publishCatalog('c');
  await routed('c');
});
