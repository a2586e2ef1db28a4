import {
  type Bus,
  BUCKETS,
  bucketKey,
  encodeJson,
  type KeyRecord,
  KeyStoreUnavailableError,
} from '@switchboard/contracts';
import { createKeyHasher, createLocalBus, createMetrics } from '@switchboard/platform';
import {
  hasher,
  KeysBucket,
  NEW_PEPPER,
  OLD_PEPPER,
  sha256Hex,
  silent,
  SlowBuckets,
  until,
} from '../__fixtures__/keys-bucket';
import { BucketKeyDirectory, type BucketKeyDirectoryOptions } from './key-directory';

let bus: Bus;
let buckets: SlowBuckets;
let store: KeysBucket;
let directory: BucketKeyDirectory;
let metrics: ReturnType<typeof createMetrics>;

beforeEach(async () => {
  bus = createLocalBus({ log: silent });
  buckets = new SlowBuckets(bus);
  store = new KeysBucket(bus);
  await store.putTenant();
});
afterEach(async () => {
  await directory.stop();
  await bus.close();
});

async function open(options: Partial<BucketKeyDirectoryOptions> = {}): Promise<void> {
  metrics = createMetrics();
  directory = new BucketKeyDirectory({ bus: buckets.bus, hasher, log: silent, metrics, ...options });
  // The watch stands; what is looked up before is looked up twice.
  await pause(1);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const find = (plaintext: string) => directory.find(sha256Hex(plaintext));
const found = async (plaintext: string) => find(plaintext);
/** What memory holds, without asking anybody. */
function held(plaintext: string): KeyRecord | undefined {
  const found = find(plaintext);
  if (found instanceof Promise) throw new Error(`${plaintext} is not in memory`);
  return found;
}
const inMemory = (plaintext: string): boolean => !(find(plaintext) instanceof Promise);

describe('a key', () => {
  it('is looked up once, and comes from memory at once from then on', async () => {
    await open();
    await store.putKey('one', { models: ['a/*'] });
    const record = await find('one');
    expect(record).toMatchObject({ id: 'key_one', models: ['a/*'], tenant: { id: 'acme', active: true } });
    expect(record).not.toHaveProperty('tenantId');
    const { reads } = buckets;
    expect(held('one')).toBe(record);
    expect(buckets.reads).toBe(reads);
    expect(directory.size).toBe(1);
  });

  it('asked for by many at once is looked up once', async () => {
    await open();
    await store.putKey('one');
    const records = await Promise.all(Array.from({ length: 50 }, () => found('one')));
    expect(new Set(records).size).toBe(1);
    // The key, and its tenant.
    expect(buckets.reads).toBe(2);
  });

  it('works at once when it is made after it was asked for', async () => {
    await open();
    expect(await find('late')).toBeUndefined();
    await store.putKey('late');
    await until(() => !inMemory('late'), 'the news', 500);
    expect(await find('late')).toMatchObject({ id: 'key_late' });
  });

  it('made after it was asked for works within a second even if nobody tells', async () => {
    await open();
    expect(await find('late')).toBeUndefined();
    buckets.withholdEvents = true;
    await store.putKey('late');
    expect(find('late')).toBeUndefined();
    await until(() => !inMemory('late'), 'a new lookup', 1_200);
    expect(await find('late')).toMatchObject({ id: 'key_late' });
  });

  it('that is revoked stops within a second, as a new record', async () => {
    await open();
    await store.putKey('one');
    const before = await find('one');
    await store.putKey('one', { revoked: true });
    await until(() => held('one')?.revoked === true, 'the revocation', 1_000);
    expect(held('one')).not.toBe(before);
    expect(before?.revoked).toBe(false);
  });

  it('that is deleted stops within a second', async () => {
    await open();
    await store.putKey('one');
    await find('one');
    await store.deleteKey('one');
    await until(() => !inMemory('one'), 'the deletion', 1_000);
    expect(await find('one')).toBeUndefined();
    expect(directory.size).toBe(0);
  });

  it('stored under the hash of another is not used', async () => {
    await open();
    await store.putKey('one');
    const stolen = await store.bucket.get(bucketKey.key(hasher.current(sha256Hex('one')).hash));
    await store.bucket.put(bucketKey.key(hasher.current(sha256Hex('mine')).hash), stolen!.value!);
    expect(await find('mine')).toBeUndefined();
    expect(await find('one')).toBeDefined();
  });

  it.each(['{', 'null', '7', '{}'])('whose record is %s is not used', async (text) => {
    await open();
    await store.putKey('one');
    await find('one');
    await store.bucket.put(bucketKey.key(hasher.current(sha256Hex('one')).hash), Buffer.from(text));
    await until(() => !inMemory('one'), 'the change', 1_000);
    expect(await find('one')).toBeUndefined();
  });
});

describe('a tenant', () => {
  it('that is deactivated stops all of its keys within a second, and those of no other', async () => {
    await open();
    await store.putTenant({ id: 'other' });
    for (const name of ['one', 'two']) await store.putKey(name);
    await store.putKey('others', { tenantId: 'other' });
    const before = await Promise.all(['one', 'two', 'others'].map(found));
    await store.putTenant({ active: false });
    await until(() => ['one', 'two'].every((name) => held(name)?.tenant.active === false), 'the change', 1_000);
    expect(held('others')).toBe(before[2]);
    expect(held('one')).not.toBe(before[0]);
  });

  it('that is deleted takes its keys with it', async () => {
    await open();
    await store.putKey('one');
    await find('one');
    await store.bucket.delete(bucketKey.tenant('acme'));
    await until(() => !inMemory('one'), 'the deletion', 1_000);
    expect(await find('one')).toBeUndefined();
  });

  it('that has not been published yet makes its keys unavailable, not unknown', async () => {
    await open();
    await store.putKey('early', { tenantId: 'soon' });
    await expect(find('early')).rejects.toBeInstanceOf(KeyStoreUnavailableError);
    await store.putTenant({ id: 'soon' });
    expect(await find('early')).toMatchObject({ tenant: { id: 'soon' } });
  });
});

describe('a change told while a lookup is under way', () => {
  /** The change happens after the bucket has answered a read of such an entry, and before the answer arrives. */
  async function changedMeanwhile(kind: 'key' | 'tenant', change: () => Promise<unknown>) {
    let release = (): void => undefined;
    let reached = false;
    const held = new Promise<void>((resolve) => (release = resolve));
    buckets.holdUp = (key) => {
      if (!key.startsWith(`${kind}.`)) return undefined;
      reached = true;
      return held;
    };
    const found = find('one');
    await until(() => reached, 'the read');
    await change();
    await pause(20);
    release();
    return found;
  }

  it('is not overtaken by the older answer', async () => {
    await open();
    await store.putKey('one');
    const found = await changedMeanwhile('key', () => store.putKey('one', { revoked: true }));
    expect(found).toMatchObject({ revoked: true });
    expect(held('one')?.revoked).toBe(true);
  });

  it('is not lost where it comes while only the tenant is still being read', async () => {
    await open();
    await store.putKey('one');
    const found = await changedMeanwhile('tenant', () => store.putKey('one', { revoked: true }));
    expect(found).toMatchObject({ revoked: true });
  });

  it('is not lost where it is a deletion', async () => {
    await open();
    await store.putKey('one');
    expect(await changedMeanwhile('tenant', () => store.deleteKey('one'))).toBeUndefined();
    expect(directory.size).toBe(0);
  });

  it('is not lost where it is the tenant’s', async () => {
    await open();
    await store.putKey('one');
    const found = await changedMeanwhile('tenant', () => store.putTenant({ active: false }));
    expect(found).toMatchObject({ tenant: { active: false } });
  });
});

describe('the pepper', () => {
  const rotated = createKeyHasher([NEW_PEPPER, OLD_PEPPER]);

  it('may be rotated: keys stored under the older one are still found', async () => {
    await store.putKey('one');
    await open({ hasher: rotated });
    expect(await find('one')).toMatchObject({ id: 'key_one' });
    await store.putKey('two', {}, rotated);
    expect(await find('two')).toMatchObject({ id: 'key_two' });
  });

  it('may be rotated under a held key: stored anew, then deleted where it was', async () => {
    await store.putKey('one');
    await open({ hasher: rotated });
    await find('one');
    await store.putKey('one', {}, rotated);
    await store.deleteKey('one');
    await until(() => !inMemory('one'), 'the deletion', 1_000);
    expect(await find('one')).toMatchObject({ id: 'key_one' });
    await store.putKey('one', { revoked: true }, rotated);
    await until(() => held('one')?.revoked === true, 'the revocation', 1_000);
  });

  it('that has left the ring takes its keys with it', async () => {
    await store.putKey('one');
    await open({ hasher: createKeyHasher([NEW_PEPPER]) });
    expect(await find('one')).toBeUndefined();
  });
});

describe('memory', () => {
  it('holds so many keys, and lets go of those not asked for', async () => {
    await open({ keysMax: 3 });
    for (const name of ['a', 'b', 'c', 'd']) await store.putKey(name);
    for (const name of ['a', 'b', 'c']) await find(name);
    await find('d');
    expect(directory.size).toBe(3);
    expect(inMemory('a')).toBe(false);
    await until(() => inMemory('a'), 'it to be looked up again');
    // Asked for again and again: it stays, whoever else comes.
    for (let index = 0; index < 10; index++) {
      held('d');
      await store.putKey(`more-${index}`);
      await find(`more-${index}`);
      expect(directory.size).toBe(3);
    }
    expect(inMemory('d')).toBe(true);
  });

  it('of a key that was let go gets no more news, and costs none', async () => {
    await open({ keysMax: 1 });
    for (const name of ['a', 'b']) await store.putKey(name);
    await find('a');
    await find('b');
    await store.putKey('a', { revoked: true });
    expect(await find('a')).toMatchObject({ revoked: true });
    expect(directory.size).toBe(1);
  });
});

describe('a flood of unknown keys', () => {
  const flood = (size: number) => Array.from({ length: size }, (_, index) => found(`nobody-${index}`));

  it('asks for so many at a time and no more; the others are told to come again', async () => {
    await open({ lookupsMax: 10 });
    const outcomes = await Promise.allSettled(flood(500));
    expect(buckets.reads).toBe(10);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(490);
    expect(refused.every(({ reason }) => reason instanceof KeyStoreUnavailableError)).toBe(true);
    expect(await metrics.registry.metrics()).toContain('switchboard_key_lookups_total{outcome="overloaded"} 490');
  });

  it('asks for each but once a second', async () => {
    await open();
    await Promise.all(flood(100));
    expect(buckets.reads).toBe(100);
    expect(await Promise.all(flood(100))).toEqual(Array(100).fill(undefined));
    expect(buckets.reads).toBe(100);
  });

  it('pushes out no known key, and stays within its own bounds', async () => {
    await open({ keysMax: 2, unknownMax: 10 });
    await store.putKey('one');
    await find('one');
    await Promise.all(flood(100));
    expect(inMemory('one')).toBe(true);
    const { reads } = buckets;
    await Promise.all(flood(100));
    expect(buckets.reads - reads).toBeGreaterThanOrEqual(90);
  });
});

describe('what is held', () => {
  it('is looked at again when it is old, and served meanwhile', async () => {
    await open({ revalidateAfterMs: 50 });
    await store.putKey('one');
    const before = await find('one');
    buckets.withholdEvents = true;
    await store.putKey('one', { revoked: true });
    await store.putTenant({ active: false });
    expect(held('one')).toBe(before);
    await until(() => held('one')?.revoked === true, 'the key', 1_000);
    await until(() => held('one')?.tenant.active === false, 'the tenant', 1_000);
    await store.deleteKey('one');
    await until(() => !inMemory('one'), 'the deletion', 1_000);
  });

  it('is the same record as long as nothing changes', async () => {
    await open({ revalidateAfterMs: 10 });
    await store.putKey('one');
    const record = await find('one');
    const { reads } = buckets;
    await until(() => held('one') === record && buckets.reads > reads + 3, 'some revalidations', 1_000);
    expect(held('one')).toBe(record);
  });

  it('is served when the bus is gone, while others are out of reach', async () => {
    await open({ revalidateAfterMs: 1 });
    await store.putKey('one');
    const record = await find('one');
    await bus.close();
    await pause(20);
    expect(held('one')).toBe(record);
    await expect(find('other')).rejects.toBeInstanceOf(KeyStoreUnavailableError);
    expect(await metrics.registry.metrics()).toMatch(/key_lookups_total\{outcome="unavailable"\} 1[^]*cached_keys 1/);
  });

  it('is not mistaken for current by an entry that only has its revision', async () => {
    await open();
    await store.putKey('one');
    await find('one');
    const key = bucketKey.key(hasher.current(sha256Hex('one')).hash);
    const { revision } = (await bus.bucket(BUCKETS.keys).get(key))!;
    const other = { ...(await find('one'))!, tenantId: 'acme', revoked: true };
    // As a bucket made anew tells it, whose revisions started over.
    buckets.tell({ key, value: encodeJson(other), revision });
    expect(held('one')?.revoked).toBe(true);
  });

  it('is read again when a change of a lower revision is told, as a bucket made anew tells it', async () => {
    await open();
    await store.putKey('one');
    const before = await find('one');
    buckets.withholdEvents = true;
    await store.putKey('one', { revoked: true });
    await store.putTenant({ active: false });
    const key = bucketKey.key(hasher.current(sha256Hex('one')).hash);
    buckets.tell({ key, value: encodeJson({ ...before!, tenantId: 'acme', name: 'late' }), revision: 0 });
    await until(() => held('one')?.revoked === true, 'the key', 1_000);
    expect(held('one')?.tenant.active).toBe(true);
    buckets.tell({ key: bucketKey.tenant('acme'), value: encodeJson(before!.tenant), revision: 0 });
    await until(() => held('one')?.tenant.active === false, 'the tenant', 1_000);
    expect(held('one')?.name).not.toBe('late');
  });

  it('is looked at again after a reconnection, tenants included', async () => {
    await open();
    for (const name of ['one', 'two']) await store.putKey(name);
    await Promise.all([found('one'), found('two')]);
    buckets.withholdEvents = true;
    await store.putKey('one', { revoked: true });
    await store.putTenant({ active: false });
    buckets.tellCurrent();
    await until(() => held('one')?.revoked === true && held('two')?.tenant.active === false, 'both', 1_000);
  });

  it.each(['key', 'tenant'])('is not set back by an answer older than a change told meanwhile: %s', async (kind) => {
    await open({ revalidateAfterMs: 50 });
    await store.putKey('one');
    await find('one');
    let release = (): void => undefined;
    let reached = false;
    const answered = new Promise<void>((resolve) => (release = resolve));
    buckets.holdUp = (key) => {
      if (!key.startsWith(`${kind}.`)) return undefined;
      reached = true;
      return answered;
    };
    await until(() => held('one') !== undefined && reached, 'the revalidation', 1_000);
    await (kind === 'key' ? store.putKey('one', { revoked: true }) : store.putTenant({ active: false }));
    const isStopped = (): boolean => held('one')?.revoked === true || held('one')?.tenant.active === false;
    await until(isStopped, 'the change', 1_000);
    release();
    for (let index = 0; index < 5; index++) {
      await pause(1);
      expect(isStopped()).toBe(true);
    }
  });
});
