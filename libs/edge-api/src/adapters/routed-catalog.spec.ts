import {
  BUCKETS,
  encodeJson,
  SNAPSHOT_KEY,
  type Bus,
  type Catalog,
  type Model,
  type Subscription,
} from '@switchboard/contracts';
import { createLocalBus } from '@switchboard/platform';
import { silent, until } from '../__fixtures__/keys-bucket';
import { candidate } from '../core/__fixtures__/candidate';
import { RoutedCatalog } from './routed-catalog';

function catalogOf(providers: string[], upstreams: string[]): Catalog {
  const { model, upstream, provider } = candidate();
  const served: Model = { ...model, id: 'm', upstreams: upstreams.map((id) => ({ ...upstream, provider: id })) };
  return {
    providers: new Map(providers.map((id) => [id, { ...provider, id }])),
    models: new Map([['m', served]]),
    auto: { order: ['tier'], models: ['*'] },
  };
}

/** All that jest can fake. */
const TIMERS = {
  ...{ Date, hrtime: 0, nextTick: 0, performance: 0, queueMicrotask: 0, setImmediate: 0, clearImmediate: 0 },
  ...{ setInterval: 0, clearInterval: 0, setTimeout: 0, clearTimeout: 0 },
};

let bus: Bus;
let catalog: Catalog;
let changed: (next: Catalog) => void;
let routed: RoutedCatalog;
const published = {
  current: () => catalog,
  onChange: (listener: (next: Catalog) => void): Subscription => {
    changed = (next) => {
      catalog = next;
      listener(next);
    };
    return { stop: () => Promise.resolve() };
  },
};

beforeEach(() => {
  bus = createLocalBus({ log: silent });
});
afterEach(async () => {
  await routed.stop();
  await bus.close();
});

const order = (): string[] =>
  routed
    .current()
    .models.get('m')!
    .upstreams.map(({ provider }) => provider);
const publish = (createdAtMs: number, ...providers: string[]) =>
  bus.bucket(BUCKETS.routing).put(
    SNAPSHOT_KEY,
    encodeJson({
      createdAtMs,
      models: { m: providers.map((provider) => ({ provider, model: candidate().upstream.model })) },
    }),
  );

it('follows the snapshot, and is one value between changes', async () => {
  catalog = catalogOf(['a', 'b'], ['a', 'b']);
  routed = new RoutedCatalog({ bus, published, log: silent });
  expect(order()).toEqual(['a', 'b']);
  await publish(Date.now(), 'b', 'a');
  await until(() => order()[0] === 'b', 'the snapshot');
  expect(routed.current()).toBe(routed.current());
});

it('serves a new provider at once, while no router runs', async () => {
  catalog = catalogOf(['a'], ['a', 'b']);
  await publish(Date.now() - 3_600_000, 'a');
  routed = new RoutedCatalog({ bus, published, log: silent });
  await until(() => order().length === 2, 'the snapshot');
  // Long listed, but its provider comes only now.
  changed(catalogOf(['a', 'b'], ['a', 'b']));
  expect(order()).toEqual(['a', 'b']);
  changed(catalogOf(['b'], ['b']));
  expect(order()).toEqual(['b']);
});

it('counts an upstream from when its provider is there: before, the router had nothing to rank either', async () => {
  const { Date: _, ...untouched } = TIMERS;
  jest.useFakeTimers({ doNotFake: Object.keys(untouched) as (keyof typeof untouched)[] });
  try {
    const startMs = Date.now();
    catalog = catalogOf(['a'], ['a', 'b']);
    routed = new RoutedCatalog({ bus, published, log: silent });
    jest.setSystemTime(startMs + 60_000);
    await publish(Date.now(), 'a');
    await until(() => order().length === 1, 'the snapshot');
    jest.setSystemTime(startMs + 120_000);
    changed(catalogOf(['a', 'b'], ['a', 'b']));
    expect(order()).toEqual(['a', 'b']);
  } finally {
    jest.useRealTimers();
  }
});

it('leaves out what a later snapshot leaves out', async () => {
  catalog = catalogOf(['a', 'b'], ['a', 'b']);
  routed = new RoutedCatalog({ bus, published, log: silent });
  await publish(Date.now() + 60_000, 'b');
  await until(() => order().length === 1, 'the snapshot');
  expect(order()).toEqual(['b']);
  await bus.bucket(BUCKETS.routing).delete(SNAPSHOT_KEY);
  await until(() => order().length === 2, 'its deletion');
});

it.each(['{', 'null', '{"createdAtMs":1}', '{"createdAtMs":1,"models":{"m":7}}'])(
  'keeps the last snapshot when the next is %s',
  async (text) => {
    catalog = catalogOf(['a', 'b'], ['a', 'b']);
    const errors: string[] = [];
    const log = { ...silent, error: (_: object, line: string) => errors.push(line) } as unknown as typeof silent;
    routed = new RoutedCatalog({ bus, published, log });
    await publish(Date.now(), 'b', 'a');
    await bus.bucket(BUCKETS.routing).put(SNAPSHOT_KEY, Buffer.from(text));
    await until(() => errors.length > 0, 'the error');
    expect(order()).toEqual(['b', 'a']);
    changed(catalogOf(['a', 'b'], ['a', 'b']));
    expect(order()).toEqual(['b', 'a']);
  },
);
