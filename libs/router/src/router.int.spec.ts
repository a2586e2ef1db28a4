import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  BUCKETS,
  bucketKey,
  type Bus,
  decodeJson,
  encodeJson,
  parseBucketKey,
  ROUTING_HEAD_KEY,
  type RoutedModelV2,
  type RoutingHeadV2,
  SETTINGS_KEY,
  SUBJECTS,
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
import { reportOf } from './__fixtures__/outcomes';
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

function start(instance: string, bus = connect(instance)): Router {
  const leases = { name: 'test_leases', ttlMs: 1_000 };
  const router = createRouter({ bus, log, metrics: createMetrics(), instance, allowLoopback: false, leases });
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
  await put(bucketKey.model(id), encodeModel(model(id, [upstream(id === 'b' ? 'gpu' : 'cloud', id)]), 0));
}

async function publishCatalog(...modelIds: string[]): Promise<void> {
  for (const id of ['cloud', 'gpu']) {
    const { headers: _, ...open } = { ...provider(id, 2), probe: 'off' };
    await put(bucketKey.provider(id), { ...open, sealed: 'v1.k.x' });
  }
  for (const id of modelIds) await putModel(id);
  await put(SETTINGS_KEY, { brand: {}, auto: { order: ['tier'], models: ['*'] }, limiterUnavailable: 'open' });
}

/** The models that are routed, when it is these. */
const routed = (...modelIds: string[]): Promise<true> =>
  eventually(async () => {
    const keys = (await admin.bucket(BUCKETS.routing).keys()).flatMap((key) => parseBucketKey(key) ?? []);
    const models = keys.filter(({ kind }) => kind === 'model').map(({ id }) => id);
    return models.sort().join() === modelIds.sort().join() ? true : undefined;
  });

async function stored<T>(key: string): Promise<T | undefined> {
  const value = (await admin.bucket(BUCKETS.routing).get(key))?.value;
  return value && decodeJson<T>(value);
}

const routedModel = (id: string): Promise<RoutedModelV2> => eventually(() => stored(bucketKey.model(id)));

const headOf = (leader: string): Promise<RoutingHeadV2> =>
  eventually(async () => {
    const head = await stored<RoutingHeadV2>(ROUTING_HEAD_KEY);
    return head?.leader === leader ? head : undefined;
  });

const stateOf = (state: string): Promise<RoutedModelV2> =>
  eventually(async () => {
    const found = await routedModel('a');
    return found.upstreams[0]?.state === state ? found : undefined;
  });

const failing = reportOf([{ model: 'a', counts: { failed: 9 } }]);

test('one of two routers publishes what changes; when it dies the other goes on from there, warm', async () => {
  const doomed = connect('one');
  start('one', doomed);
  await publishCatalog('a', 'b');
  await routed('a', 'b');
  const { epoch } = await headOf('one');
  start('two');
  const { version } = await routedModel('b');
  admin.publish(SUBJECTS.outcomes, encodeJson(reportOf([{ model: 'a', counts: { limited: 1 }, parkedForMs: 60_000 }])));
  const parked = await stateOf('open');
  expect(parked.version).toBeGreaterThan(version);
  expect((await routedModel('b')).version).toBe(version);
  await doomed.close();
  const head = await headOf('two');
  expect(head.epoch).toBeGreaterThan(epoch);
  expect(head.version).toBeGreaterThanOrEqual(parked.version);
  expect((await stateOf('open')).upstreams[0]?.retryAfterMs).toBeGreaterThan(50_000);
  await admin.bucket(BUCKETS.catalog).delete(bucketKey.model('b'));
  await routed('a');
  const client = createRouterClient({ bus: admin });
  expect((await client.explain({ model: 'a' })).candidates).toMatchObject([{ state: 'open', eligible: false }]);
  expect(await client.upstreams()).toMatchObject({ leader: 'two', upstreams: [{ state: 'open' }] });
});

test('NATS comes back with nothing: the whole snapshot is written anew, of a higher epoch, until there is another catalog', async () => {
  const { health } = start('one');
  await publishCatalog('a', 'b');
  await routed('a', 'b');
  admin.publish(SUBJECTS.outcomes, encodeJson(failing));
  const { epoch, version } = await stateOf('open');
  const { port } = nats;
  await nats.stop();
  nats = await startNats({ folder: await newFolder(), port, log });
  await routed('a', 'b');
  const head = await headOf('one');
  expect(head.epoch).toBeGreaterThan(epoch);
  expect(head.version).toBeGreaterThan(version);
  await health.check();
  await putModel('c');
  await pause(300);
  await routed('a', 'b');
  await publishCatalog('c');
  await routed('c');
});
