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
  type OutcomesV1,
  RemoteError,
  ROUTING_HEAD_KEY,
  type RoutedModelV2,
  type RoutedPolicyV2,
  type RoutingHeadV2,
  SETTINGS_KEY,
  SUBJECTS,
} from '@switchboard/contracts';
import { createLocalBus, createLogger, createMetrics, encodeModel, type Metrics } from '@switchboard/platform';
import { model, provider, upstream } from './__fixtures__/catalog';
import { reportOf } from './__fixtures__/outcomes';
import { createRouterClient, ROUTER_HEALTH } from './client';
import { createRouter, type Router } from './router';
import { RouterModule } from './router.module';

const log = createLogger({ level: 'silent', name: 'test' });
const first = model('a', [upstream('cloud', 'x'), upstream('gpu', 'y')]);

let bus: Bus;
let metrics: Metrics;
let routers: Router[];
/** Keys of the routing bucket as they were written; those deleted with a minus. */
let writes: string[];

beforeEach(() => {
  bus = createLocalBus({ log });
  metrics = createMetrics();
  routers = [];
  writes = [];
  const names: Record<string, string> = {
    [bucketKey.model('a')]: 'a',
    [bucketKey.model('b')]: 'b',
    [bucketKey.policy('auto')]: 'auto',
    [bucketKey.policy('auto:cheapest')]: 'cheapest',
    [bucketKey.policy('auto:fastest')]: 'fastest',
  };
  bus.bucket(BUCKETS.routing).watch({
    updatesOnly: true,
    onEntry: ({ key, value }) => void writes.push(`${value === undefined ? '-' : ''}${names[key] ?? key}`),
  });
});

afterEach(async () => {
  await Promise.all(routers.map((router) => router.close()));
  await bus.close();
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function start(differs: { refreshEveryMs?: number; metrics?: Metrics; instance?: string } = {}): Router {
  const router = createRouter({ bus, log, metrics, instance: 'router-0', allowLoopback: false, ...differs });
  routers.push(router);
  return router;
}

async function publishCatalog(...models: Model[]): Promise<void> {
  const catalog = bus.bucket(BUCKETS.catalog);
  for (const each of [provider('cloud', 2), provider('gpu', 0)]) {
    const { headers: _, ...open } = { ...each, probe: 'off' };
    await catalog.put(bucketKey.provider(each.id), encodeJson({ ...open, sealed: 'v1.k.x' }));
  }
  for (const each of models) await catalog.put(bucketKey.model(each.id), encodeJson(encodeModel(each, 0)));
  const settings = { brand: {}, auto: { order: ['tier'], models: ['*'] }, limiterUnavailable: 'open' };
  await catalog.put(SETTINGS_KEY, encodeJson(settings));
}

async function stored<T>(key: string): Promise<T | undefined> {
  const value = (await bus.bucket(BUCKETS.routing).get(key))?.value;
  return value && decodeJson<T>(value);
}

const head = (): Promise<RoutingHeadV2 | undefined> => stored<RoutingHeadV2>(ROUTING_HEAD_KEY);
const routedModel = (id: string): Promise<RoutedModelV2 | undefined> => stored<RoutedModelV2>(bucketKey.model(id));

async function eventually<T>(read: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 4_000;
  for (;;) {
    const found = await read();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error('it did not come about within 4 s');
    await pause(2);
  }
}

/** The head of the change after `version`. */
const changed = (version = 0): Promise<RoutingHeadV2> =>
  eventually(async () => {
    const found = await head();
    return found !== undefined && found.version > version ? found : undefined;
  });

const tell = (report: OutcomesV1): void => bus.publish(SUBJECTS.outcomes, encodeJson(report));
const failing = reportOf([{ counts: { failed: 9 } }]);

test('the snapshot is published whole, its head last; then what changes, and what is gone goes', async () => {
  start();
  await publishCatalog(first);
  const { version, epoch, leader } = await changed();
  expect({ version, leader }).toEqual({ version: 1, leader: 'router-0' });
  expect(writes).toEqual(['a', 'auto', 'cheapest', 'fastest', 'head']);
  expect(await routedModel('a')).toMatchObject({
    ...{ model: 'a', epoch, version: 1 },
    upstreams: [
      { provider: 'gpu', model: 'y', weight: 1, state: 'healthy', stateVersion: 1 },
      { provider: 'cloud', model: 'x', weight: 1, state: 'healthy', stateVersion: 1 },
    ],
  });
  expect(await stored<RoutedPolicyV2>(bucketKey.policy('auto'))).toMatchObject({
    policy: 'auto',
    ranked: [
      { model: 'a', provider: 'gpu', upstreamModel: 'y', rank: 0 },
      { model: 'a', provider: 'cloud', upstreamModel: 'x', rank: 1 },
    ],
  });
  writes.length = 0;
  const second = model('b', [], { category: 'embedding' });
  await publishCatalog({ ...first, displayName: 'A' }, second);
  await changed(1);
  expect(writes).toEqual(['b', 'head']);
  expect(await routedModel('a')).toMatchObject({ version: 1 });
  writes.length = 0;
  await bus.bucket(BUCKETS.catalog).delete(bucketKey.model('b'));
  await changed(2);
  expect(writes).toEqual(['-b', 'head']);
});

test('what edges meet changes it at once, and nothing else does', async () => {
  start();
  await publishCatalog(first);
  const { version } = await changed();
  writes.length = 0;
  tell(failing);
  await eventually(async () => ((await routedModel('a'))?.version === version + 1 ? true : undefined));
  const opened = (await routedModel('a'))?.upstreams[1];
  expect(opened).toMatchObject({ provider: 'cloud', state: 'open', stateVersion: version + 1, retryAfterMs: 1_000 });
  expect(opened?.reason).toContain('9 of 9 calls failed');
  await changed(version);
  // The policies had it last already.
  expect(writes).toEqual(['a', 'head']);
  await changed(version + 1);
  expect((await routedModel('a'))?.upstreams[1]).toMatchObject({ state: 'half-open' });
  tell(reportOf([{ counts: { ok: 3 } }]));
  await changed(version + 2);
  expect((await routedModel('a'))?.upstreams[1]).toMatchObject({ state: 'healthy' });
});

test('of two routers one publishes; when it closes the other goes on from where it was, warm', async () => {
  start({ instance: 'router-0' });
  await publishCatalog(first);
  const before = await changed();
  start({ instance: 'router-1', metrics: createMetrics() });
  await pause(50);
  tell(reportOf([{ counts: { limited: 1 }, parkedForMs: 60_000 }]));
  const parked = await changed(before.version);
  writes.length = 0;
  await routers[0]?.close();
  const after = await eventually(async () => {
    const found = await head();
    return found?.leader === 'router-1' ? found : undefined;
  });
  expect(after.epoch).toBeGreaterThan(parked.epoch);
  expect((await routedModel('a'))?.upstreams[1]).toMatchObject({ state: 'open' });
  // It knows of the park itself, to the moment of its end.
  const view = await createRouterClient({ bus }).upstreams();
  expect(view.leader).toBe('router-1');
  expect(view.upstreams.find(({ state }) => state === 'open')?.retryAtMs).toBeGreaterThan(Date.now() + 50_000);
});

test('without a router the snapshot stays; the next goes on with its versions and waits', async () => {
  start();
  await publishCatalog(first);
  await changed();
  tell(failing);
  const { version, epoch } = await changed(1);
  const found = (await routedModel('a'))?.upstreams;
  await routers[0]?.close();
  await pause(20);
  writes.length = 0;
  expect((await head())?.version).toBe(version);
  start({ metrics: createMetrics() });
  const next = await eventually(async () => ((await head())?.epoch !== epoch ? head() : undefined));
  expect(next.version).toBe(version);
  expect(writes).toEqual(['head']);
  expect((await routedModel('a'))?.upstreams).toEqual(found);
  await changed(version);
  expect((await routedModel('a'))?.upstreams[1]).toMatchObject({ state: 'half-open', stateVersion: version + 1 });
});

test('what somebody else writes, or nobody can read, is put right', async () => {
  await bus.bucket(BUCKETS.routing).put(bucketKey.model('a'), Buffer.from('{'));
  start();
  await publishCatalog(first);
  const { version, epoch } = await changed();
  const late = { epoch: epoch - 1, version: 99, createdAtMs: 0, model: 'a', upstreams: [] };
  await bus.bucket(BUCKETS.routing).put(bucketKey.model('a'), encodeJson(late));
  await changed(version);
  expect((await routedModel('a'))?.upstreams).toHaveLength(2);
  await bus.bucket(BUCKETS.routing).delete(bucketKey.policy('auto'));
  await eventually(() => stored(bucketKey.policy('auto')));
});

test('the head is written now and then although nothing changed: its age tells whether a router is at work', async () => {
  start({ refreshEveryMs: 20 });
  await publishCatalog(first);
  const before = await changed();
  writes.length = 0;
  const after = await eventually(async () => {
    const found = await head();
    return found !== undefined && found.createdAtMs > before.createdAtMs ? found : undefined;
  });
  expect(after.version).toBe(before.version);
  expect(writes).toEqual(['head']);
});

test('a client is told what a name resolves to, as published', async () => {
  start();
  await publishCatalog(first);
  const { createdAtMs } = await changed();
  const explanation = await createRouterClient({ bus }).explain({ model: 'a' });
  expect(explanation).toMatchObject({ resolved: 'a', snapshotCreatedAtMs: createdAtMs, snapshotVersion: 1 });
  expect(explanation.candidates.map((each) => [each.upstreamModel, each.state])).toEqual([
    ['y', 'healthy'],
    ['x', 'healthy'],
  ]);
});

test('a client is told how all upstreams are', async () => {
  start();
  await publishCatalog(first, model('b', [upstream('gpu', 'y')]));
  const { version } = await changed();
  const refused = [{ provider: 'gpu', refusal: 'credential' as const }];
  tell({
    ...reportOf([{ counts: { failed: 9 }, inFlight: 4, late: 1 }], refused),
    upstreams: [
      ...failing.upstreams.map((each) => ({ ...each, inFlight: 4, late: 1 })),
      ...reportOf([{ provider: 'gpu', model: 'y', counts: { account: 2 } }]).upstreams,
    ],
  });
  await changed(version);
  const view = await createRouterClient({ bus }).upstreams();
  expect(view).toMatchObject({ leader: 'router-0', version: version + 1 });
  expect(view.providers).toEqual([
    { provider: 'cloud', probe: { result: 'off' } },
    { provider: 'gpu', probe: { result: 'off' }, refusal: 'credential' },
  ]);
  expect(view.upstreams).toMatchObject([
    { provider: 'cloud', models: ['a'], state: 'open', counts: { failed: 9 }, inFlight: 4, late: 1 },
    { provider: 'gpu', model: 'y', models: ['a', 'b'], state: 'open', reason: 'the provider refuses the credential' },
  ]);
  const exposition = await metrics.registry.metrics();
  expect(exposition).toContain('switchboard_upstream_account_refused{provider="gpu"} 1');
  expect(exposition).toContain('switchboard_upstream_account_refused{provider="cloud"} 0');
});

test('a client learns that nobody answers, and that the router cannot tell yet or does not understand', async () => {
  const client = createRouterClient({ bus });
  await expect(client.explain({ model: 'a' })).rejects.toThrow(BusUnavailableError);
  await expect(client.upstreams()).rejects.toThrow(BusUnavailableError);
  const { health } = start();
  await expect(client.explain({ model: 'a' })).rejects.toThrow(RemoteError);
  await expect(health.check()).rejects.toThrow('no whole catalog');
  await publishCatalog(first);
  await changed();
  await expect(health.check()).resolves.toBeUndefined();
  const nameless = bus.request(SUBJECTS.explain, encodeJson({}), { timeoutMs: 500 });
  await expect(nameless).rejects.toThrow('model must be given');
});

test('the metrics tell who leads, age, size and version, states and what became of publications', async () => {
  start();
  expect(await metrics.registry.metrics()).not.toMatch(/^switchboard_routing_snapshot_age_seconds /m);
  await publishCatalog(first);
  await changed();
  tell(failing);
  bus.publish(SUBJECTS.outcomes, Buffer.from('{'));
  await changed(1);
  const exposition = await metrics.registry.metrics();
  expect(exposition).toMatch(/^switchboard_routing_snapshot_age_seconds 0(\.\d+)?$/m);
  for (const line of [
    'routing_leader 1',
    'routing_snapshot_models 1',
    'routing_snapshot_version 2',
    'routing_snapshot_publishes_total{result="published"} 2',
    'routing_outcome_reports_total{result="taken"} 1',
    'routing_outcome_reports_total{result="unreadable"} 1',
    'upstream_state{provider="cloud",model="x",state="open"} 1',
    'upstream_state{provider="gpu",model="y",state="healthy"} 1',
    'model_upstreams{model="a",state="open"} 1',
    'model_upstreams{model="a",state="healthy"} 1',
    'model_upstreams{model="a",state="half-open"} 0',
  ]) {
    expect(exposition).toContain(`switchboard_${line}`);
  }
  expect(exposition).not.toMatch(/upstream_state\{[^}]*state="half-open"/);
});

test('the module works as long as its host, and closes before it, at once', async () => {
  const module = RouterModule.forRoot({ bus, log, metrics, instance: 'router-0', allowLoopback: false });
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  await publishCatalog(first);
  const { version } = await changed();
  await expect(app.get<HealthCheck>(ROUTER_HEALTH).check()).resolves.toBeUndefined();
  const beganMs = performance.now();
  await app.close();
  expect(performance.now() - beganMs).toBeLessThan(500);
  await publishCatalog(model('b', []));
  await pause(60);
  expect((await head())?.version).toBe(version);
  expect(await bus.bucket(BUCKETS.leases).keys()).toEqual([]);
  await expect(createRouterClient({ bus }).explain({ model: 'a' })).rejects.toThrow('nobody serves');
});
