import { createHash } from 'node:crypto';
import {
  BUCKETS,
  bucketKey,
  encodeJson,
  type Bucket,
  type BucketEntry,
  type Bus,
  type KeyRecordV1,
  type Tenant,
} from '@switchboard/contracts';
import { createKeyHasher, createLogger, type KeyHasher, type SecretRingEntry } from '@switchboard/platform';
import { keyRecord } from '../core/__fixtures__/key-record';

export const silent = createLogger({ level: 'silent', name: 'test' });

export const OLD_PEPPER: SecretRingEntry = { id: 'p1', key: Buffer.alloc(32, 1) };
export const NEW_PEPPER: SecretRingEntry = { id: 'p2', key: Buffer.alloc(32, 2) };
export const hasher = createKeyHasher([OLD_PEPPER]);

export const sha256Hex = (plaintext: string): string => createHash('sha256').update(plaintext).digest('hex');

/** Writes the keys bucket as admin-api does. */
export class KeysBucket {
  readonly bucket: Bucket;

  constructor(bus: Bus) {
    this.bucket = bus.bucket(BUCKETS.keys);
  }

  putKey(plaintext: string, changes: Partial<KeyRecordV1> = {}, by: KeyHasher = hasher): Promise<number> {
    const { hash } = by.current(sha256Hex(plaintext));
    const { tenant, ...own } = keyRecord({ id: `key_${plaintext}` });
    const record: KeyRecordV1 = { ...own, hash, tenantId: tenant.id, ...changes };
    return this.bucket.put(bucketKey.key(hash), encodeJson(record));
  }

  deleteKey(plaintext: string, by: KeyHasher = hasher): Promise<void> {
    return this.bucket.delete(bucketKey.key(by.current(sha256Hex(plaintext)).hash));
  }

  putTenant(changes: Partial<Tenant> = {}): Promise<number> {
    const tenant: Tenant = { ...keyRecord().tenant, ...changes };
    return this.bucket.put(bucketKey.tenant(tenant.id), encodeJson(tenant));
  }
}

/** A bus on which reads of buckets can be counted and held up, and events withheld; all else is the bus underneath. */
export class SlowBuckets {
  reads = 0;
  withholdEvents = false;
  /** What a read waits for after the bucket has answered. */
  holdUp: (key: string) => Promise<void> | undefined = () => undefined;
  /** Tells every watcher, whatever the bucket holds. */
  tell: (entry: BucketEntry) => void = () => undefined;
  /** As after a reconnection. */
  tellCurrent: () => void = () => undefined;
  readonly bus: Bus;

  constructor(under: Bus) {
    this.bus = new Proxy(under, {
      get: (target, property) => {
        if (property === 'bucket') return (definition: { name: string }) => this.slow(target.bucket(definition));
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  private slow(bucket: Bucket): Bucket {
    return {
      get: async (key): Promise<BucketEntry | undefined> => {
        this.reads++;
        const entry = await bucket.get(key);
        await this.holdUp(key);
        return entry;
      },
      put: (key, value) => bucket.put(key, value),
      create: (key, value) => bucket.create(key, value),
      update: (key, value, revision) => bucket.update(key, value, revision),
      delete: (key) => bucket.delete(key),
      keys: () => bucket.keys(),
      watch: (watcher) => {
        this.tell = (entry) => watcher.onEntry(entry);
        this.tellCurrent = () => watcher.onCurrent?.();
        return bucket.watch({
          ...watcher,
          onEntry: (entry) => {
            if (!this.withholdEvents) watcher.onEntry(entry);
          },
        });
      },
    };
  }
}

export async function until(condition: () => boolean, what: string, limitMs = 10_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
