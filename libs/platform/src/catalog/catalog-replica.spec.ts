import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import {
  BUCKETS,
  type Bucket,
  type BucketWatcher,
  bucketKey,
  type Bus,
  type CatalogSettingsV1,
  encodeJson,
  SETTINGS_KEY,
  type Subscription,
} from '@switchboard/contracts';
import { createLocalBus } from '../bus/local-bus';
import { buildCatalog } from '../config/gateway-config';
import { simulatorConfig } from '../config/first-run';
import { createLogger } from '../logging/logger';
import { createSealer } from '../secrets/sealer';
import { encodeModel, encodeProvider } from './catalog-records';
import { catalogHealth, type CatalogReplica, createCatalogReplica } from './catalog-replica';

const config = simulatorConfig({ simulatorUrl: 'http://127.0.0.1:9999', demoKeyHash: 'ab'.repeat(32) });
const catalog = buildCatalog(config);
const provider = { ...config.providers[0]!, apiKey: 'sk-very-secret', headers: { 'x-token': 'also-secret' } };
const other = config.providers[1]!;
const [first, second, third] = catalog.models.values();
const settings: CatalogSettingsV1 = { brand: config.brand, auto: catalog.auto, limiterUnavailable: 'open' };
const sealer = createSealer([{ id: 'k1', key: randomBytes(32) }]);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let lines: string[];
let bus: Bus;
let bucket: Bucket;
let replica: CatalogReplica;

const log = createLogger(
  { level: 'info', name: 'test' },
  new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  }),
);

beforeEach(() => {
  lines = [];
  bus = createLocalBus({ log });
  bucket = bus.bucket(BUCKETS.catalog);
});

afterEach(async () => {
  await replica.stop();
  await bus.close();
});

function follow(through: Bus = bus): CatalogReplica {
  return (replica = createCatalogReplica({ bus: through, sealer, log }));
}

async function publishAll(): Promise<void> {
  for (const each of [provider, other]) {
    await bucket.put(bucketKey.provider(each.id), encodeJson(encodeProvider(each, sealer)));
  }
  await bucket.put(bucketKey.model(second!.id), encodeJson(encodeModel(second!, 2)));
  await bucket.put(bucketKey.model(first!.id), encodeJson(encodeModel(first!, 1)));
  await bucket.put(SETTINGS_KEY, encodeJson(settings));
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 2_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it did not come about within 2 s');
    await pause(2);
  }
}

const modelIds = (): string[] => [...replica.current().models.keys()];

/** A bus that moves to another server: watchers are told what that one holds, as after a reconnection. */
function movable(): { through: Bus; moveTo(next: Bus): Promise<void> } {
  let behind = bus;
  const watches: { watcher: BucketWatcher; watching: Subscription }[] = [];
  const there = (): Bucket => behind.bucket(BUCKETS.catalog);
  const moving: Bucket = {
    get: (key) => there().get(key),
    put: (key, value) => there().put(key, value),
    create: (key, value) => there().create(key, value),
    update: (key, value, revision) => there().update(key, value, revision),
    delete: (key) => there().delete(key),
    keys: () => there().keys(),
    watch: (watcher) => {
      const watch = { watcher, watching: there().watch(watcher) };
      watches.push(watch);
      return { stop: () => watch.watching.stop() };
    },
  };
  return {
    through: Object.assign(Object.create(bus) as Bus, { bucket: () => moving }),
    moveTo: async (next) => {
      behind = next;
      for (const watch of watches) {
        await watch.watching.stop();
        watch.watching = there().watch(watch.watcher);
      }
    },
  };
}

test('it is ready once the whole is published, with models in their order', async () => {
  follow();
  await pause(60);
  expect(replica.isReady).toBe(false);
  expect(() => replica.settings()).toThrow('not been read yet');
  await expect(catalogHealth(replica).check()).rejects.toThrow('no whole catalog');
  await publishAll();
  await replica.ready;
  expect(modelIds()).toEqual([first!.id, second!.id]);
  expect(replica.current().providers.get(provider.id)).toEqual(provider);
  expect(replica.current().auto).toEqual(settings.auto);
  expect(replica.settings()).toEqual(settings);
  await expect(catalogHealth(replica).check()).resolves.toBeUndefined();
});

test('entries without settings are not a catalog', async () => {
  await bucket.put(bucketKey.model(first!.id), encodeJson(encodeModel(first!, 1)));
  follow();
  await pause(60);
  expect(replica.isReady).toBe(false);
});

test('what was published before it started is read at once, also when settings were published first', async () => {
  await bucket.put(SETTINGS_KEY, encodeJson(settings));
  await publishAll();
  follow();
  await replica.ready;
  expect(replica.current().providers.size).toBe(2);
  expect(modelIds()).toHaveLength(2);
});

test('each change is a new catalog, the one before stays as it was', async () => {
  await publishAll();
  await follow().ready;
  const before = replica.current();
  await bucket.put(bucketKey.model(third!.id), encodeJson(encodeModel(third!, 0)));
  await bucket.delete(bucketKey.model(second!.id));
  await until(() => replica.current() !== before);
  expect(modelIds()).toEqual([third!.id, first!.id]);
  expect([...before.models.keys()]).toEqual([first!.id, second!.id]);
});

test('a burst of changes is one new catalog', async () => {
  await publishAll();
  await follow().ready;
  const told: number[] = [];
  replica.onChange(({ models }) => told.push(models.size));
  for (let index = 0; index < 50; index++) {
    const model = { ...first!, id: `m/${index}` };
    await bucket.put(bucketKey.model(model.id), encodeJson(encodeModel(model, 3)));
  }
  await until(() => replica.current().models.size === 52);
  expect(told).toEqual([52]);
});

test('changed settings are told like any other change; a listener that fails or stopped disturbs nobody', async () => {
  await publishAll();
  await follow().ready;
  const told: string[] = [];
  replica.onChange(() => {
    throw new Error('no');
  });
  await replica.onChange(() => told.push('stopped')).stop();
  replica.onChange(() => told.push(replica.settings().limiterUnavailable));
  await bucket.put(SETTINGS_KEY, encodeJson({ ...settings, limiterUnavailable: 'closed' }));
  await until(() => told.length > 0);
  expect(told).toEqual(['closed']);
  expect(lines.join('')).toContain('a listener to changes of the catalog failed');
});

test('a model that nobody could price is left out with one line', async () => {
  await publishAll();
  await follow().ready;
  const { pricing, ...unpriced } = encodeModel(first!, 0);
  await bucket.put(bucketKey.model(first!.id), encodeJson({ ...unpriced, pricing: pricing[0].prices }));
  await until(() => !replica.current().models.has(first!.id));
  const errors = lines.filter((line) => line.includes('"error"'));
  expect([errors.length, errors[0]]).toEqual([1, expect.stringContaining('it has no price versions')]);
});

test.each([
  ['not JSON', () => Buffer.from('{')],
  ['a record of another', () => encodeJson(encodeProvider(other, sealer))],
  ['null', () => encodeJson(null)],
  [
    'sealed under a key nobody has',
    () => encodeJson(encodeProvider(provider, createSealer([{ id: 'k9', key: randomBytes(32) }]))),
  ],
])('an entry that cannot be read (%s) is left out with one line, the rest works', async (_case, value) => {
  await publishAll();
  await follow().ready;
  await bucket.put(bucketKey.provider(provider.id), value());
  await until(() => !replica.current().providers.has(provider.id));
  await bucket.put(bucketKey.model(third!.id), encodeJson(encodeModel(third!, 3)));
  await until(() => replica.current().models.has(third!.id));
  expect([...replica.current().providers.keys()]).toEqual([other.id]);
  const errors = lines.filter((line) => line.includes('"error"'));
  expect(errors).toHaveLength(1);
  expect(errors[0]).toContain(provider.id);
  expect(errors[0]).not.toMatch(/secret/);
  await bucket.put(bucketKey.provider(provider.id), encodeJson(encodeProvider(provider, sealer)));
  await until(() => replica.current().providers.has(provider.id));
});

test('unreadable settings leave the last ones in force', async () => {
  await publishAll();
  await follow().ready;
  await bucket.put(SETTINGS_KEY, Buffer.from('?'));
  await bucket.put(bucketKey.model(third!.id), encodeJson(encodeModel(third!, 3)));
  await until(() => replica.current().models.has(third!.id));
  expect(replica.settings()).toEqual(settings);
});

test('entries of a kind it does not know are none of its business', async () => {
  await bucket.put('future.eA', encodeJson({ id: 'x' }));
  await publishAll();
  await follow().ready;
  expect(lines).toEqual([]);
});

describe('after a reconnection', () => {
  let elsewhere: Bus;

  beforeEach(() => {
    elsewhere = createLocalBus({ log });
  });

  afterEach(() => elsewhere.close());

  async function moved(): Promise<void> {
    await publishAll();
    const { through, moveTo } = movable();
    await follow(through).ready;
    bucket = elsewhere.bucket(BUCKETS.catalog);
    await moveTo(elsewhere);
  }

  test('the same entries are the same catalog', async () => {
    await publishAll();
    const { through, moveTo } = movable();
    await follow(through).ready;
    const before = replica.current();
    await moveTo(bus);
    await pause(60);
    expect(replica.current()).toBe(before);
  });

  test('what vanished meanwhile is gone, what came is there', async () => {
    const [, kept] = [first!, second!];
    bucket = elsewhere.bucket(BUCKETS.catalog);
    for (const model of [kept, third!]) await bucket.put(bucketKey.model(model.id), encodeJson(encodeModel(model, 1)));
    await bucket.put(SETTINGS_KEY, encodeJson(settings));
    bucket = bus.bucket(BUCKETS.catalog);
    await moved();
    await until(() => !replica.current().models.has(first!.id));
    expect(modelIds().sort()).toEqual([kept.id, third!.id].sort());
    expect(replica.current().providers.size).toBe(0);
  });

  test('a wiped bucket changes nothing until it is whole again', async () => {
    await moved();
    const before = replica.current();
    await pause(40);
    await bucket.put(bucketKey.model(third!.id), encodeJson(encodeModel(third!, 1)));
    await pause(60);
    expect(replica.current()).toBe(before);
    expect(replica.isReady).toBe(true);
    await bucket.put(SETTINGS_KEY, encodeJson(settings));
    await until(() => replica.current() !== before);
    expect(modelIds()).toEqual([third!.id]);
  });
});
