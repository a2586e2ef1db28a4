import { LimiterUnavailableError, SUBJECTS } from '@switchboard/contracts';
import { LocalWorld } from './__fixtures__/local-world';
import { reservation, settlement } from './__fixtures__/reservation';
import { TestStore } from './__fixtures__/test-store';
import { eventually, pause, took } from './__fixtures__/waiting';
import { InMemoryQuota } from './core/in-memory-quota';

let world: LocalWorld;

beforeEach(() => (world = new LocalWorld()));
afterEach(() => world.stop());

test('nobody there is found out within about half a second, and then costs no time', async () => {
  const edge = world.edge();
  const refused = (requestId: string) =>
    took(expect(edge.reserve(reservation(requestId))).rejects.toThrow(LimiterUnavailableError));
  const first = await refused('a');
  expect(first).toBeGreaterThan(400);
  expect(first).toBeLessThan(900);
  expect(await refused('b')).toBeLessThan(200);
  world.replica();
  expect(await edge.reserve(reservation('c'))).toMatchObject({ outcome: 'granted' });
});

test('a single replica that restarts is not seen', async () => {
  const edge = world.edge();
  const only = world.replica();
  await edge.reserve(reservation('a'));
  await only.close();
  setTimeout(() => world.replica(), 300);
  await Promise.all(['b', 'c', 'd'].map((requestId) => edge.reserve(reservation(requestId))));
  expect(await world.open()).toBe(4);
});

test('of two replicas either may stop under load: no reservation fails, and none stays open', async () => {
  const edge = world.edge();
  const replicas = [world.replica(), world.replica()];
  let running = true;
  let granted = 0;
  const load = Array.from({ length: 20 }, async (_, worker) => {
    for (let call = 0; running; call++) {
      const request = reservation(`${worker}-${call}`);
      await edge.reserve(request);
      edge.settle(settlement(request));
      granted++;
      await pause(1);
    }
  });
  for (const replica of replicas) {
    await pause(100);
    await replica.close();
    await pause(50);
    world.replica();
  }
  await pause(100);
  running = false;
  await Promise.all(load);
  expect(granted).toBeGreaterThan(100);
  await eventually(async () => expect(await world.open()).toBe(0));
});

test('a replica that starts is not asked before its store is there: no reservation fails', async () => {
  const edge = world.edge();
  world.replica();
  const store = new TestStore(0);
  world.replica({ store, quota: new NoQuotaYet({ store, leaseMs: 60_000 }) });
  const granted = async (calls: number) => {
    for (let call = 0; call < calls; call++) {
      expect(await edge.reserve(reservation(`${store.life}-${call}`))).toMatchObject({ outcome: 'granted' });
    }
  };
  await granted(10);
  store.begins();
  await granted(10);
});

test('the only replica, whose store does not come, soon refuses at once', async () => {
  const edge = world.edge();
  const store = new TestStore(0);
  world.replica({ store, quota: new NoQuotaYet({ store, leaseMs: 60_000 }) });
  const refused = (requestId: string) =>
    took(expect(edge.reserve(reservation(requestId))).rejects.toThrow(LimiterUnavailableError));
  expect(await refused('a')).toBeLessThan(900);
  await pause(1_000);
  for (const requestId of ['b', 'c']) {
    expect(await refused(requestId)).toBeLessThan(200);
    await pause(300);
  }
  store.begins();
  expect(await edge.reserve(reservation('d'))).toMatchObject({ outcome: 'granted' });
});

test('a silent limiter is waited for once; whoever asks right after is told at once', async () => {
  const edge = world.edge({ timeoutMs: 100 });
  const answer = Buffer.from('{}');
  world.bus.serve(SUBJECTS.limiterBatch, 'rate-limit', () => pause(300).then(() => answer));
  expect(await took(expect(edge.reserve(reservation('a'))).rejects.toThrow('no answer'))).toBeGreaterThan(90);
  for (const requestId of ['b', 'c']) {
    const refused = expect(edge.reserve(reservation(requestId))).rejects.toThrow('does not answer');
    expect(await took(refused)).toBeLessThan(200);
  }
});

test('a limiter that answers while another asker waits in vain is not taken for silent', async () => {
  const edge = world.edge({ timeoutMs: 200 });
  const slow = new SlowQuota({ leaseMs: 60_000 });
  world.quota = slow;
  world.replica();
  slow.delayMs = 400;
  const waiting = expect(edge.reserve(reservation('a'))).rejects.toThrow('no answer');
  await pause(100);
  slow.delayMs = 0;
  await edge.reserve(reservation('b'));
  await waiting;
  expect(await edge.reserve(reservation('c'))).toMatchObject({ outcome: 'granted' });
});

test('a reservation that was recorded too late for its caller does not stay open', async () => {
  const edge = world.edge({ timeoutMs: 50 });
  const slow = new SlowQuota({ leaseMs: 60_000 });
  world.quota = slow;
  world.replica();
  slow.delayMs = 100;
  await expect(edge.reserve(reservation('a'))).rejects.toThrow(LimiterUnavailableError);
  await pause(120);
  await eventually(async () => expect(await world.open()).toBe(0));
  expect(slow.reserved).toBe(1);
});

/** Of a replica that has no store before it begins. */
class NoQuotaYet extends InMemoryQuota {
  private readonly store: TestStore;

  constructor({ store, leaseMs }: { store: TestStore; leaseMs: number }) {
    super({ leaseMs });
    this.store = store;
  }

  override reserve(request: Parameters<InMemoryQuota['reserve']>[0]) {
    return this.store.life === 0 ? Promise.reject(new Error('not connected')) : super.reserve(request);
  }
}

/** Takes its time to record. */
class SlowQuota extends InMemoryQuota {
  delayMs = 0;
  reserved = 0;

  override async reserve(request: Parameters<InMemoryQuota['reserve']>[0]) {
    await pause(this.delayMs);
    this.reserved++;
    return super.reserve(request);
  }
}
