import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import {
  BUCKETS,
  bucketKey,
  type Bus,
  BusUnavailableError,
  decodeJson,
  encodeJson,
  type HealthCheck,
  type Model,
  RemoteError,
  type RoutingSnapshotV1,
  SETTINGS_KEY,
  SNAPSHOT_KEY,
  SUBJECTS,
} from '@switchboard/contracts';
import { createLocalBus, createLogger, createMetrics, encodeModel, type Metrics } from '@switchboard/platform';
import { model, provider, upstream } from './__fixtures__/catalog';
import { createRouterClient, ROUTER_HEALTH } from './client';
import { createRouter, type Router } from './router';
import { RouterModule } from './router.module';

const log = createLogger({ level: 'silent', name: 'test' });
const first = model('a', [upstream('cloud', 'x'), upstream('gpu', 'y')]);

let bus: Bus;
let metrics: Metrics;
let routers: Router[];

beforeEach(() => {
  bus = createLocalBus({ log });
  metrics = createMetrics();
  routers = [];
});

afterEach(async () => {
  await Promise.all(routers.map((router) => router.close()));
  await bus.close();
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function start(differs: { refreshEveryMs?: number; metrics?: Metrics } = {}): Router {
  const router = createRouter({ bus, log, metrics, ...differs });
  routers.push(router);
  return router;
}

async function publishCatalog(...models: Model[]): Promise<void> {
  const catalog = bus.bucket(BUCKETS.catalog);
  for (const each of [provider('cloud', 2), provider('gpu', 0)]) {
    const { headers: _, ...open } = each;
    await catalog.put(bucketKey.provider(each.id), encodeJson({ ...open, sealed: 'v1.k.x' }));
  }
  for (const each of models) await catalog.put(bucketKey.model(each.id), encodeJson(encodeModel(each, 0)));
  const settings = { brand: {}, auto: { order: ['tier'], models: ['*'] }, limiterUnavailable: 'open' };
  await catalog.put(SETTINGS_KEY, encodeJson(settings));
}

async function stored(): Promise<{ snapshot: RoutingSnapshotV1; revision: number } | undefined> {
  const entry = await bus.bucket(BUCKETS.routing).get(SNAPSHOT_KEY);
  return entry?.value && { snapshot: decodeJson<RoutingSnapshotV1>(entry.value), revision: entry.revision };
}

async function eventually<T>(read: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 2_000;
  for (;;) {
    const found = await read();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error('it did not come about within 2 s');
    await pause(2);
  }
}

const storedWith = (modelId: string) =>
  eventually(async () => {
    const found = await stored();
    return found !== undefined && modelId in found.snapshot.models ? found : undefined;
  });

test('the snapshot of the catalog is published, and again when the catalog changes', async () => {
  start();
  await publishCatalog(first);
  expect((await storedWith('a')).snapshot.models).toEqual({
    a: [
      { provider: 'cloud', model: 'x' },
      { provider: 'gpu', model: 'y' },
    ],
  });
  await publishCatalog(model('b', []));
  expect(Object.keys((await storedWith('b')).snapshot.models).sort()).toEqual(['a', 'b']);
});

test('a change that routes alike, and a second router, leave the snapshot alone', async () => {
  start();
  await publishCatalog(first);
  const { revision } = await storedWith('a');
  const second = createMetrics();
  start({ metrics: second });
  await publishCatalog({ ...first, displayName: 'A' });
  const unchanged = (of: Metrics) =>
    eventually(async () => /publishes_total\{result="unchanged"\} \d/.exec(await of.registry.metrics()) ?? undefined);
  await Promise.all([unchanged(metrics), unchanged(second)]);
  expect((await stored())?.revision).toBe(revision);
});

test('an unchanged snapshot is refreshed so often that its age tells whether a router is at work', async () => {
  start({ refreshEveryMs: 20 });
  await publishCatalog(first);
  const before = await storedWith('a');
  const after = await eventually(async () => {
    const found = await stored();
    return found !== undefined && found.revision > before.revision ? found : undefined;
  });
  expect(after.snapshot.models).toEqual(before.snapshot.models);
  expect(after.snapshot.createdAtMs).toBeGreaterThan(before.snapshot.createdAtMs);
});

test('a snapshot that cannot be read is replaced', async () => {
  await bus.bucket(BUCKETS.routing).put(SNAPSHOT_KEY, Buffer.from('{'));
  await publishCatalog(first);
  start();
  await eventually(async () => stored().catch(() => undefined));
  expect((await stored())?.snapshot.models).toHaveProperty('a');
});

test('a client is told what a name resolves to, in the order of the published snapshot', async () => {
  start();
  await publishCatalog(first);
  const { snapshot } = await storedWith('a');
  const explanation = await createRouterClient({ bus }).explain({ model: 'a' });
  expect(explanation).toMatchObject({ resolved: 'a', found: true, snapshotCreatedAtMs: snapshot.createdAtMs });
  expect(explanation.candidates.map((each) => each.upstreamModel)).toEqual(['x', 'y']);
});

test('a client learns that nobody answers, and that the router cannot tell yet or does not understand', async () => {
  const client = createRouterClient({ bus });
  await expect(client.explain({ model: 'a' })).rejects.toThrow(BusUnavailableError);
  const { health } = start();
  await expect(client.explain({ model: 'a' })).rejects.toThrow(RemoteError);
  await expect(health.check()).rejects.toThrow('no whole catalog');
  await publishCatalog(first);
  await storedWith('a');
  await expect(health.check()).resolves.toBeUndefined();
  const nameless = bus.request(SUBJECTS.explain, encodeJson({}), { timeoutMs: 500 });
  await expect(nameless).rejects.toThrow('model must be given');
});

test('the metrics tell age, size and what became of publications', async () => {
  start();
  expect(await metrics.registry.metrics()).not.toMatch(/^switchboard_routing_snapshot_age_seconds /m);
  await publishCatalog(first);
  await storedWith('a');
  await pause(5);
  const exposition = await metrics.registry.metrics();
  expect(exposition).toMatch(/^switchboard_routing_snapshot_age_seconds 0\.\d+$/m);
  expect(exposition).toContain('switchboard_routing_snapshot_models 1');
  expect(exposition).toContain('switchboard_routing_snapshot_publishes_total{result="published"} 1');
});

test('the module works as long as its host, and closes before it', async () => {
  const module = RouterModule.forRoot({ bus, log, metrics });
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  await publishCatalog(first);
  const { revision } = await storedWith('a');
  await expect(app.get<HealthCheck>(ROUTER_HEALTH).check()).resolves.toBeUndefined();
  await app.close();
  await publishCatalog(model('b', []));
  await pause(60);
  expect((await stored())?.revision).toBe(revision);
  await expect(createRouterClient({ bus }).explain({ model: 'a' })).rejects.toThrow('nobody serves');
});
