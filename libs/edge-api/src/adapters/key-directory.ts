import {
  bucketKey,
  BusUnavailableError,
  KeyStoreUnavailableError,
  type BucketEntry,
  type KeyDirectory,
  type KeyRecord,
  type Subscription,
} from '@switchboard/contracts';
import type { Logger, Metrics } from '@switchboard/platform';
import { HeldKeys, type HeldKey } from '../core/held-keys';
import { UnknownKeys } from '../core/unknown-keys';
import { KeyEntries, type KeysBucketOptions } from './key-entries';
import { registerKeyLookupMetrics, type KeyLookupMetrics } from './key-lookup-metrics';
import { KeyRevalidation } from './key-revalidation';

export interface BucketKeyDirectoryOptions extends KeysBucketOptions {
  metrics: Metrics;
  /** Keys held in memory. */
  keysMax?: number;
  /** Hashes remembered as nobody's, for a second each: a new key works within that even if its event is missed. */
  unknownMax?: number;
  /** A key older than this is served and looked at again in the background. */
  revalidateAfterMs?: number;
  /** Keys looked up at the same time; above it, the answer is that nobody can tell. */
  lookupsMax?: number;
}

const UNKNOWN_FOR_MS = 1_000;

/** A key being looked up. */
interface Lookup {
  /** The entries its answer is made from, as far as they are known by now. */
  entries: Set<string>;
  /** One of them changed since it was asked for. */
  outdated: boolean;
  answer: Promise<KeyRecord | undefined>;
}

/**
 * Keys from the bucket that admin-api fills, held in memory and kept as they are there by watching it.
 *
 * A key in memory is served whatever happens to the bus. It stops with a deletion or a record that says `revoked`; that
 * the bucket has no entry of it at all says nothing, since a bucket made anew is empty for a while. While a lookup is
 * under way, a change told for one of its entries makes it ask again: no answer is older than a change already told.
 */
export class BucketKeyDirectory implements KeyDirectory {
  private readonly held: HeldKeys;
  private readonly unknown: UnknownKeys;
  private readonly entries: KeyEntries;
  private readonly revalidation: KeyRevalidation;
  private readonly lookups = new Map<string, Lookup>();
  private readonly lookupsMax: number;
  private readonly metrics: KeyLookupMetrics;
  private readonly log: Logger;
  private readonly watching: Subscription;

  constructor(options: BucketKeyDirectoryOptions) {
    const { keysMax = 100_000, unknownMax = 10_000, revalidateAfterMs = 60_000, lookupsMax = 1_000 } = options;
    this.log = options.log;
    this.lookupsMax = lookupsMax;
    this.held = new HeldKeys(keysMax);
    this.unknown = new UnknownKeys(unknownMax, UNKNOWN_FOR_MS);
    this.entries = new KeyEntries(options);
    this.metrics = registerKeyLookupMetrics(options.metrics, () => this.held.size);
    const canAsk = (): boolean => options.bus.connected;
    this.revalidation = new KeyRevalidation(this.held, this.entries, { revalidateAfterMs, canAsk, log: options.log });
    this.watching = this.entries.bucket.watch({
      updatesOnly: true,
      onEntry: (entry) => this.onEntry(entry),
      onCurrent: () => this.onCurrent(),
    });
  }

  /** How many keys are in memory. */
  get size(): number {
    return this.held.size;
  }

  find(sha256Hex: string): KeyRecord | undefined | Promise<KeyRecord | undefined> {
    const key = this.held.get(sha256Hex);
    if (key === undefined) return this.findElsewhere(sha256Hex);
    key.used = true;
    if (key.checkAtMs <= performance.now()) this.revalidation.add(key);
    return key.record;
  }

  async stop(): Promise<void> {
    this.revalidation.stop();
    await this.watching.stop();
  }

  private findElsewhere(sha256Hex: string): undefined | Promise<KeyRecord | undefined> {
    if (this.unknown.has(sha256Hex, performance.now())) {
      this.metrics.unknown.count++;
      return undefined;
    }
    const underWay = this.lookups.get(sha256Hex);
    if (underWay !== undefined) return underWay.answer;
    if (this.lookups.size >= this.lookupsMax) {
      this.metrics.overloaded.count++;
      return Promise.reject(new KeyStoreUnavailableError('too many keys are being looked up'));
    }
    const bucketKeys = this.entries.bucketKeysOf(sha256Hex);
    const lookup = { entries: new Set(bucketKeys), outdated: false };
    const answer = this.lookUp(sha256Hex, bucketKeys, lookup);
    this.lookups.set(sha256Hex, Object.assign(lookup, { answer }));
    return answer;
  }

  private async lookUp(
    sha256Hex: string,
    bucketKeys: readonly string[],
    lookup: Omit<Lookup, 'answer'>,
  ): Promise<KeyRecord | undefined> {
    try {
      let key: HeldKey | undefined;
      do {
        lookup.outdated = false;
        key = await this.read(sha256Hex, bucketKeys, lookup);
      } while (lookup.outdated);
      if (key === undefined) this.unknown.add(sha256Hex, performance.now());
      this.metrics[key === undefined ? 'unknown' : 'found'].count++;
      return key?.record;
    } catch (error) {
      this.metrics.unavailable.count++;
      if (!(error instanceof BusUnavailableError || error instanceof KeyStoreUnavailableError)) {
        this.log.error({ err: error }, 'a key could not be looked up');
      }
      throw new KeyStoreUnavailableError('the key could not be looked up', { cause: error });
    } finally {
      this.lookups.delete(sha256Hex);
    }
  }

  /** Undefined also where the answer is outdated before it is whole. */
  private async read(
    sha256Hex: string,
    bucketKeys: readonly string[],
    lookup: Omit<Lookup, 'answer'>,
  ): Promise<HeldKey | undefined> {
    const key = await this.entries.readKey(bucketKeys);
    if (key.kind !== 'present') return undefined;
    const { tenantId } = key.stored.value;
    lookup.entries.add(bucketKey.tenant(tenantId));
    const held = this.held.tenant(tenantId)?.stored;
    const tenant =
      held === undefined ? await this.entries.readTenant(tenantId) : { kind: 'present' as const, stored: held };
    if (lookup.outdated || tenant.kind === 'deleted') return undefined;
    if (tenant.kind === 'absent') {
      throw new KeyStoreUnavailableError(`the tenant ${tenantId} of a key has not been published yet`);
    }
    return this.held.hold(sha256Hex, key.stored, tenant.stored, this.revalidation.nextCheckMs());
  }

  private onEntry(entry: BucketEntry): void {
    for (const lookup of this.lookups.values()) if (lookup.entries.has(entry.key)) lookup.outdated = true;
    if (this.revalidation.tell(entry)) return;
    // Perhaps a key that was asked for before it was there.
    if (entry.value !== undefined) this.unknown.clear();
  }

  /** The watch stands (again), and what was read before it did may have changed untold. */
  private onCurrent(): void {
    for (const lookup of this.lookups.values()) lookup.outdated = true;
    this.unknown.clear();
    this.revalidation.addAll();
  }
}
