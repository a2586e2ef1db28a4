import {
  BUCKETS,
  bucketKey,
  decodeJson,
  type Bucket,
  type BucketEntry,
  type Bus,
  type KeyRecordV1,
  type Tenant,
} from '@switchboard/contracts';
import type { KeyHasher, Logger } from '@switchboard/platform';
import type { Stored, StoredKey } from '../core/held-keys';

/** `absent`: there never was one, which says nothing about a key that is already known: the bucket may be new. */
export type Reading<T> = { kind: 'present'; stored: T } | { kind: 'deleted' } | { kind: 'absent' };

export type KeysBucketOptions = { bus: Bus; hasher: Pick<KeyHasher, 'candidates' | 'sameHash'>; log: Logger };

/** Reads keys and tenants from their bucket. What cannot be read is logged and taken for deleted. */
export class KeyEntries {
  readonly bucket: Bucket;

  constructor(private readonly options: KeysBucketOptions) {
    this.bucket = options.bus.bucket(BUCKETS.keys);
  }

  /** Where the record of this key may be: under the current pepper, else under an older one. */
  bucketKeysOf(sha256Hex: string): string[] {
    return this.options.hasher.candidates(sha256Hex).map(({ hash }) => bucketKey.key(hash));
  }

  /** @throws BusUnavailableError */
  async readKey(bucketKeys: readonly string[]): Promise<Reading<StoredKey>> {
    let gone: Reading<StoredKey> = { kind: 'absent' };
    for (const key of bucketKeys) {
      const entry = await this.bucket.get(key);
      const stored = entry && this.decodeKey(entry);
      if (stored !== undefined) return { kind: 'present', stored };
      if (entry !== undefined) gone = { kind: 'deleted' };
    }
    return gone;
  }

  /** @throws BusUnavailableError */
  async readTenant(id: string): Promise<Reading<Stored<Tenant>>> {
    const entry = await this.bucket.get(bucketKey.tenant(id));
    if (entry === undefined) return { kind: 'absent' };
    const stored = this.decodeTenant(entry);
    return stored === undefined ? { kind: 'deleted' } : { kind: 'present', stored };
  }

  decodeKey(entry: BucketEntry): StoredKey | undefined {
    const value = this.decode<KeyRecordV1>(entry);
    if (value === undefined) return undefined;
    // The entry was found by its name; that it is of this key is what its own hash says.
    if (typeof value.hash === 'string' && this.options.hasher.sameHash(bucketKey.key(value.hash), entry.key)) {
      return { value, revision: entry.revision, bucketKey: entry.key };
    }
    this.options.log.error({ keyId: value.id }, 'a key record is stored under a hash that is not its own; not used');
    return undefined;
  }

  decodeTenant(entry: BucketEntry): Stored<Tenant> | undefined {
    const value = this.decode<Tenant>(entry);
    return value && { value, revision: entry.revision };
  }

  private decode<T>({ key, value, revision }: BucketEntry): T | undefined {
    if (value === undefined) return undefined;
    try {
      const decoded = decodeJson<T | null>(value);
      if (typeof decoded === 'object' && decoded !== null) return decoded;
      throw new SyntaxError('not an object');
    } catch (error) {
      this.options.log.error(
        { err: error, entry: key, revision },
        'an entry of the keys bucket cannot be read; not used',
      );
      return undefined;
    }
  }
}
