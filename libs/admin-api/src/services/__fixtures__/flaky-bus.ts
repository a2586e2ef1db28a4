import { type Bucket, type BucketDefinition, type Bus, BusUnavailableError, type Subscription } from '@switchboard/contracts';

/** A bus that can be taken away, and held up before each put. */
export class FlakyBus implements Bus {
  connected = true;
  /** Awaited before each put or delete; throws to fail it. */
  beforeWrite: (key: string) => Promise<void> | void = () => undefined;
  readonly writes: string[] = [];
  private readonly listeners = new Set<() => void>();

  constructor(private readonly inner: Bus) {}

  down(): void {
    this.connected = false;
  }

  up(): void {
    this.connected = true;
    for (const listener of this.listeners) listener();
  }

  bucket(definition: BucketDefinition): Bucket {
    const bucket = this.inner.bucket(definition);
    const written = async (key: string): Promise<void> => {
      this.check();
      await this.beforeWrite(key);
      this.check();
      this.writes.push(key);
    };
    return {
      get: async (key) => (this.check(), bucket.get(key)),
      keys: async () => (this.check(), bucket.keys()),
      watch: (watcher) => bucket.watch(watcher),
      put: async (key, value) => (await written(key), bucket.put(key, value)),
      create: async (key, value) => (await written(key), bucket.create(key, value)),
      update: async (key, value, revision) => (await written(key), bucket.update(key, value, revision)),
      delete: async (key) => (await written(key), bucket.delete(key)),
    };
  }

  onConnected(listener: () => void): Subscription {
    this.listeners.add(listener);
    if (this.connected) queueMicrotask(listener);
    return { stop: () => Promise.resolve(void this.listeners.delete(listener)) };
  }

  request: Bus['request'] = (...given) => this.inner.request(...given);
  serve: Bus['serve'] = (...given) => this.inner.serve(...given);
  publish: Bus['publish'] = (...given) => this.inner.publish(...given);
  subscribe: Bus['subscribe'] = (...given) => this.inner.subscribe(...given);
  append: Bus['append'] = (...given) => this.inner.append(...given);
  consume: Bus['consume'] = (...given) => this.inner.consume(...given);
  backlog: Bus['backlog'] = (...given) => this.inner.backlog(...given);
  waitingSince: Bus['waitingSince'] = (...given) => this.inner.waitingSince(...given);
  close: Bus['close'] = () => this.inner.close();

  private check(): void {
    if (!this.connected) throw new BusUnavailableError('the test took the bus away');
  }
}
