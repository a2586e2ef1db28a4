import { setTimeout as delay } from 'node:timers/promises';
import type { Bus } from '@switchboard/contracts';
import { freshName, until } from '../bus/bus.conformance';
import { createLogger } from '../logging/logger';
import { Lease } from './lease';

const log = createLogger({ level: 'silent', name: 'test' });
export const LEASES = { name: 'test_leases', ttlMs: 1_000 };

/** A contender for a lease, and what it was told. */
export class Contender {
  readonly told: { leading: boolean; epoch: number }[] = [];
  readonly lease: Lease;

  constructor(bus: Pick<Bus, 'bucket' | 'onConnected'>, key: string, holder: string) {
    const onChange = (leading: boolean, epoch: number) => void this.told.push({ leading, epoch });
    this.lease = new Lease({ bus, key, holder, log, definition: LEASES, onChange });
  }

  get epoch(): number {
    return this.told.at(-1)?.epoch ?? 0;
  }
}

/** A bus whose buckets hang from some time on, as of a process that is stopped. */
export function pausable(bus: Bus): Pick<Bus, 'bucket' | 'onConnected'> & { pause(): void } {
  let paused = false;
  const whenRunning = async <T>(work: () => Promise<T>): Promise<T> => {
    if (paused) await new Promise(() => undefined);
    return work();
  };
  const bucket = bus.bucket(LEASES);
  return {
    pause: () => (paused = true),
    onConnected: (listener) => bus.onConnected(listener),
    bucket: () => ({
      get: (key) => whenRunning(() => bucket.get(key)),
      put: (key, value) => whenRunning(() => bucket.put(key, value)),
      create: (key, value) => whenRunning(() => bucket.create(key, value)),
      update: (key, value, revision) => whenRunning(() => bucket.update(key, value, revision)),
      delete: (key) => whenRunning(() => bucket.delete(key)),
      keys: () => whenRunning(() => bucket.keys()),
      watch: (watcher) => bucket.watch(watcher),
    }),
  };
}

/** `open` gives a connected bus on the same medium each time. */
export function leaseConformance(open: () => Promise<Bus>): void {
  test('one of two leads; when it stops, the other does at once, with a higher epoch', async () => {
    const [bus, key] = [await open(), freshName()];
    const first = new Contender(bus, key, 'first');
    await until(() => first.lease.leading);
    const second = new Contender(await open(), key, 'second');
    await delay(100);
    expect(second.told).toEqual([]);
    await first.lease.stop();
    await until(() => second.lease.leading);
    expect(first.told).toEqual([
      { leading: true, epoch: expect.any(Number) },
      { leading: false, epoch: first.epoch },
    ]);
    expect(second.epoch).toBeGreaterThan(first.epoch);
    await second.lease.stop();
    expect(await bus.bucket(LEASES).keys()).not.toContain(key);
  });

  test('one that no longer renews lets go before the other leads', async () => {
    const key = freshName();
    const stuck = pausable(await open());
    const first = new Contender(stuck, key, 'first');
    await until(() => first.lease.leading);
    const second = new Contender(await open(), key, 'second');
    // Longer than an entry lives: it is renewed.
    await delay(LEASES.ttlMs + 200);
    expect(second.told).toEqual([]);
    stuck.pause();
    let both = false;
    await until(() => {
      both ||= first.lease.leading && second.lease.leading;
      return second.lease.leading;
    });
    expect(both).toBe(false);
    expect(first.told.map(({ leading }) => leading)).toEqual([true, false]);
    expect(second.epoch).toBeGreaterThan(first.epoch);
    await Promise.all([first.lease.stop(), second.lease.stop()]);
  });
}
