import type { Bucket, BucketDefinition, BucketEntry, BucketWatcher, Bytes, Subscription } from '@switchboard/contracts';
import type { Logger } from '../logging/logger';
import { checkBucketKey } from './bucket-key';

/** Without a value: the mark of a deletion. */
interface Stored {
  entry: BucketEntry;
  expiresAtMs: number;
}

/** A bucket in memory. Values go in and come out as copies: nobody shares bytes across the bus. */
export class LocalBucket implements Bucket {
  /** The least recently changed first, which is also the first to expire. */
  private readonly stored = new Map<string, Stored>();
  private readonly watchers = new Set<LocalWatcher>();
  private lastRevision = 0;

  constructor(
    private readonly definition: BucketDefinition,
    private readonly log: Logger,
    private readonly checkOpen: () => void,
  ) {}

  async get(key: string): Promise<BucketEntry | undefined> {
    await this.ready(key);
    const found = this.stored.get(key);
    return found && copied(found.entry);
  }

  async put(key: string, value: Bytes): Promise<number> {
    const given = Uint8Array.from(value);
    await this.ready(key);
    return this.change(key, given);
  }

  async create(key: string, value: Bytes): Promise<number | undefined> {
    const given = Uint8Array.from(value);
    await this.ready(key);
    return this.stored.get(key)?.entry.value === undefined ? this.change(key, given) : undefined;
  }

  async update(key: string, value: Bytes, revision: number): Promise<number | undefined> {
    const given = Uint8Array.from(value);
    await this.ready(key);
    return this.stored.get(key)?.entry.revision === revision ? this.change(key, given) : undefined;
  }

  async delete(key: string): Promise<void> {
    await this.ready(key);
    this.change(key);
  }

  async keys(): Promise<string[]> {
    await this.ready();
    return this.present().map(({ key }) => key);
  }

  watch(watcher: BucketWatcher): Subscription {
    this.expire();
    const watching = new LocalWatcher(watcher, this.log.child({ bucket: this.definition.name }));
    if (watcher.updatesOnly !== true) this.present().forEach((entry) => watching.tell(entry));
    watching.tellCurrent();
    this.watchers.add(watching);
    return {
      stop: () => {
        watching.stop();
        this.watchers.delete(watching);
        return Promise.resolve();
      },
    };
  }

  /** Ends all watchers. */
  close(): void {
    for (const watcher of this.watchers) watcher.stop();
    this.watchers.clear();
  }

  private ready(key?: string): Promise<void> {
    if (key !== undefined) checkBucketKey(key);
    this.checkOpen();
    this.expire();
    return Promise.resolve();
  }

  private change(key: string, value?: Bytes): number {
    const revision = ++this.lastRevision;
    const entry = value === undefined ? { key, revision } : { key, value, revision };
    this.stored.delete(key);
    this.stored.set(key, { entry, expiresAtMs: performance.now() + (this.definition.ttlMs ?? Infinity) });
    for (const watcher of this.watchers) watcher.tell(entry);
    return revision;
  }

  private present(): BucketEntry[] {
    return [...this.stored.values()].map(({ entry }) => entry).filter(({ value }) => value !== undefined);
  }

  private expire(): void {
    if (this.definition.ttlMs === undefined) return;
    const now = performance.now();
    for (const [key, { expiresAtMs }] of this.stored) {
      if (expiresAtMs > now) return;
      this.stored.delete(key);
    }
  }
}

/** Tells one watcher in order, never inside the call that made the change. */
class LocalWatcher {
  private queue: (() => void)[] = [];
  private stopped = false;

  constructor(
    private readonly watcher: BucketWatcher,
    private readonly log: Logger,
  ) {}

  tell(entry: BucketEntry): void {
    this.enqueue(() => this.watcher.onEntry(copied(entry)));
  }

  tellCurrent(): void {
    this.enqueue(() => this.watcher.onCurrent?.());
  }

  stop(): void {
    this.stopped = true;
    this.queue = [];
  }

  private enqueue(call: () => void): void {
    this.queue.push(call);
    if (this.queue.length === 1) queueMicrotask(() => this.drain());
  }

  private drain(): void {
    // Calls stay in the queue until made, so that what they enqueue waits for its turn in this same loop.
    for (let next = this.queue[0]; next !== undefined && !this.stopped; next = this.queue[0]) {
      try {
        next();
      } catch (error) {
        this.log.error({ err: error }, 'a bucket watcher failed; it goes on with the next entry');
      }
      this.queue.shift();
    }
  }
}

function copied(entry: BucketEntry): BucketEntry {
  return entry.value === undefined ? { ...entry } : { ...entry, value: Uint8Array.from(entry.value) };
}
