import { type Bus, type ScopeBudget, SUBJECTS } from '@switchboard/contracts';
import { LocalWorld } from './__fixtures__/local-world';
import { bounds, reservation, settlement } from './__fixtures__/reservation';
import { TestStore } from './__fixtures__/test-store';
import { eventually, pause } from './__fixtures__/waiting';
import { InMemoryQuota } from './core/in-memory-quota';
import type { RateLimit, RateLimitOptions } from './rate-limit';

let world: LocalWorld;

beforeEach(() => (world = new LocalWorld()));
afterEach(() => world.stop());

const budget: ScopeBudget = { id: 'budget', nanoUsd: 1_000, period: 'total' };
const paid = bounds('key:paid', { budgets: [budget] });
const paying = (requestId: string) => reservation(requestId, { scopes: [paid] });
const money = async () => (await world.stateOf(paid))?.budgets[0];

/** The store has lost everything and is back. */
async function wipe(store: TestStore, only: RateLimit, changes: Partial<RateLimitOptions> = {}): Promise<void> {
  await only.close();
  world.quota = changes.quota ?? new InMemoryQuota({ leaseMs: world.leaseMs });
  world.replica({ store, ...changes });
  store.begins();
}

test('edges put back what they hold, extensions included, before anybody with a budget is admitted', async () => {
  const store = new TestStore();
  const only = world.replica({ store });
  const [first, second] = [world.edge(), world.edge()];
  const call = paying('a');
  await first.reserve(call);
  await second.reserve(paying('b'));
  await first.extend({ ...settlement(call), nanoUsd: 650 });
  await wipe(store, only);
  const reply = await second.reserve(paying('c'));
  expect(reply).toMatchObject({ outcome: 'granted' });
  expect(await money()).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: 950 });
  expect(await second.reserve(paying('d'))).toMatchObject({ outcome: 'denied', reason: 'held' });
  first.settle(settlement(call, { nanoUsd: 750 }));
  await eventually(async () => expect(await money()).toMatchObject({ spentNanoUsd: 750, heldNanoUsd: 200 }));
});

test('a limiter that cannot take it yet is told again', async () => {
  const store = new TestStore();
  const only = world.replica({ store });
  const edge = world.edge();
  await edge.reserve(paying('a'));
  await wipe(store, only, { quota: new LateQuota({ leaseMs: world.leaseMs }) });
  expect(await edge.reserve(paying('b'))).toMatchObject({ outcome: 'granted' });
  expect(await money()).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: 200 });
});

test('what is settled meanwhile is not put back', async () => {
  const store = new TestStore();
  const only = world.replica({ store });
  const edge = world.edge();
  await edge.reserve(paying('a'));
  await wipe(store, only, { quota: new LateQuota({ leaseMs: world.leaseMs }) });
  await pause(20);
  edge.settle(settlement(paying('a'), { nanoUsd: 40 }));
  world.ledger.nanoUsd = 40;
  await pause(20);
  expect(await edge.reserve(paying('b'))).toMatchObject({ outcome: 'granted' });
  await pause(300);
  expect(await money()).toMatchObject({ spentNanoUsd: 40, heldNanoUsd: 100 });
  expect(await world.open('key:paid')).toBe(1);
});

test('a settlement that waits is told as well: the ledger has its call, which so is charged once', async () => {
  const store = new TestStore();
  const only = world.replica({ store });
  const edge = world.edge();
  await edge.reserve(paying('a'));
  await only.close();
  for (const requestId of ['b', 'c', 'd']) edge.settle(settlement(paying(requestId), { nanoUsd: 0 }));
  edge.settle(settlement(paying('a'), { nanoUsd: 40 }));
  await pause(700);
  world.ledger.nanoUsd = 40;
  await wipe(store, only, { quota: new LateQuota({ leaseMs: world.leaseMs }) });
  const reply = await edge.reserve(paying('e'));
  expect(reply).toMatchObject({ outcome: 'granted' });
  await pause(700);
  expect(await money()).toMatchObject({ spentNanoUsd: 40, heldNanoUsd: 100 });
});

test('a limiter that finds the store before it finds the bus still asks, before it admits anybody', async () => {
  const store = new TestStore();
  const only = world.replica({ store });
  const edge = world.edge();
  await edge.reserve(paying('a'));
  const bus = new LateBus(world.bus);
  await wipe(store, only, { bus: bus.proxy });
  expect(bus.unheard).toBe(0);
  bus.connects();
  expect(await edge.reserve(paying('b'))).toMatchObject({ outcome: 'granted' });
  expect(await money()).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: 200 });
});

test('edges are asked once in each life of the store', async () => {
  const store = new TestStore();
  let recalls = 0;
  world.bus.subscribe(SUBJECTS.limiterRecall, () => void recalls++);
  world.replica({ store });
  const edge = world.edge();
  const told = async (times: number) => {
    await pause(20);
    expect(recalls).toBe(times);
  };
  await told(1);
  store.begins();
  await told(2);
  await edge.reserve(paying('a'));
  await told(2);
  // The connection alone is new.
  store.connects();
  await told(2);
  store.begins();
  await told(3);
});

/** Takes nothing back at first, as one that has not yet found out that its store is there again. */
class LateQuota extends InMemoryQuota {
  private readonly takesFromMs = performance.now() + 180;

  override restore = (...given: Parameters<InMemoryQuota['restore']>) => this.late(() => super.restore(...given));
  override settle = (...given: Parameters<InMemoryQuota['settle']>) => this.late(() => super.settle(...given));

  private late<T>(work: () => Promise<T>): Promise<T> {
    return performance.now() < this.takesFromMs ? Promise.reject(new Error('not tried')) : work();
  }
}

/** A bus that is not connected at first: nobody hears what is published. */
class LateBus {
  unheard = 0;
  readonly proxy: Bus;
  private connected = false;
  private readonly listeners: (() => void)[] = [];

  constructor(bus: Bus) {
    const publish: Bus['publish'] = (...given) => {
      if (this.connected) bus.publish(...given);
      else this.unheard++;
    };
    const onConnected: Bus['onConnected'] = (listener) => {
      this.listeners.push(listener);
      return { stop: () => Promise.resolve() };
    };
    this.proxy = Object.create(bus, {
      connected: { get: () => this.connected },
      publish: { value: publish },
      onConnected: { value: onConnected },
    }) as Bus;
  }

  connects(): void {
    this.connected = true;
    for (const listener of this.listeners) listener();
  }
}
