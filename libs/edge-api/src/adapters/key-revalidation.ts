import { BusUnavailableError, parseBucketKey, type BucketEntry } from '@switchboard/contracts';
import type { Logger } from '@switchboard/platform';
import type { HeldKey, HeldKeys, HeldTenant, Stored } from '../core/held-keys';
import type { KeyEntries } from './key-entries';
import { RevalidationQueue } from './revalidation-queue';

export interface KeyRevalidationOptions {
  revalidateAfterMs: number;
  canAsk: () => boolean;
  log: Logger;
}

const CONCURRENCY_MAX = 16;
/** After an attempt that told nothing. */
const RETRY_AFTER_MS = 5_000;

/** Keeps what is held as it is in the bucket: by changes told, and by looking again. */
export class KeyRevalidation {
  private readonly queue: RevalidationQueue;
  private stopped = false;

  constructor(
    private readonly held: HeldKeys,
    private readonly entries: KeyEntries,
    private readonly options: KeyRevalidationOptions,
  ) {
    this.queue = new RevalidationQueue(
      CONCURRENCY_MAX,
      () => !this.stopped && options.canAsk(),
      (key) => this.revalidate(key),
    );
  }

  /** When something just read is to be looked at again. */
  nextCheckMs(): number {
    return performance.now() + this.options.revalidateAfterMs;
  }

  add(key: HeldKey): void {
    this.postpone(key);
    this.queue.add(key);
  }

  addAll(): void {
    for (const tenant of this.held.allTenants()) tenant.checkAtMs = 0;
    this.queue.addAll(this.held.all());
  }

  stop(): void {
    this.stopped = true;
    this.queue.clear();
  }

  /** False where the change is of nothing that is held. */
  tell(entry: BucketEntry): boolean {
    const key = this.held.at(entry.key);
    if (key !== undefined) return this.tellKey(key, entry);
    const named = parseBucketKey(entry.key);
    const tenant = named?.kind === 'tenant' ? this.held.tenant(named.id) : undefined;
    return tenant !== undefined && this.tellTenant(tenant, entry);
  }

  private tellKey(key: HeldKey, entry: BucketEntry): true {
    if (entry.revision < key.stored.revision) {
      // Late, or of a bucket made anew, whose revisions start over: which of them, only the bucket can tell.
      this.add(key);
      return true;
    }
    const stored = this.entries.decodeKey(entry);
    if (stored === undefined || stored.value.tenantId !== key.tenant.id) this.held.drop(key);
    else if (!isSame(stored, key.stored)) this.held.changeKey(key, stored);
    return true;
  }

  private tellTenant(tenant: HeldTenant, entry: BucketEntry): true {
    if (entry.revision < tenant.stored.revision) {
      tenant.checkAtMs = 0;
      const [key] = tenant.keys;
      if (key !== undefined) this.add(key);
      return true;
    }
    const stored = this.entries.decodeTenant(entry);
    if (stored === undefined) this.held.dropTenant(tenant);
    else if (!isSame(stored, tenant.stored)) this.held.changeTenant(tenant, stored);
    return true;
  }

  /** Never rejects. */
  private async revalidate(key: HeldKey): Promise<void> {
    if (this.held.get(key.sha256Hex) !== key) return;
    this.postpone(key);
    try {
      await this.revalidateKey(key);
      if (this.held.get(key.sha256Hex) === key) await this.revalidateTenant(key.tenant);
    } catch (error) {
      // What is known stays; it comes up again after a while, and all of it after a reconnection.
      const level = error instanceof BusUnavailableError ? 'debug' : 'error';
      this.options.log[level]({ err: error, keyId: key.record.id }, 'a key could not be looked at again');
    }
  }

  private async revalidateKey(key: HeldKey): Promise<void> {
    const { changes } = key;
    const read = await this.entries.readKey(this.entries.bucketKeysOf(key.sha256Hex));
    // A change told meanwhile is newer than this answer.
    if (key.changes !== changes || this.held.get(key.sha256Hex) !== key) return;
    key.checkAtMs = this.nextCheckMs();
    if (read.kind === 'absent') return;
    if (read.kind === 'deleted' || read.stored.value.tenantId !== key.tenant.id) return this.held.drop(key);
    const { stored } = read;
    if (stored.bucketKey !== key.stored.bucketKey) {
      // Stored anew under another pepper.
      this.held.hold(key.sha256Hex, stored, key.tenant.stored, key.checkAtMs);
    } else if (!isSame(stored, key.stored)) {
      this.held.changeKey(key, stored);
    }
  }

  private async revalidateTenant(tenant: HeldTenant): Promise<void> {
    if (tenant.checkAtMs > performance.now()) return;
    this.postpone(tenant);
    const { changes } = tenant;
    const read = await this.entries.readTenant(tenant.id);
    if (tenant.changes !== changes || this.held.tenant(tenant.id) !== tenant) return;
    tenant.checkAtMs = this.nextCheckMs();
    if (read.kind === 'deleted') return this.held.dropTenant(tenant);
    if (read.kind === 'present' && !isSame(read.stored, tenant.stored)) {
      this.held.changeTenant(tenant, read.stored);
    }
  }

  private postpone(checked: { checkAtMs: number }): void {
    checked.checkAtMs = performance.now() + Math.min(RETRY_AFTER_MS, this.options.revalidateAfterMs);
  }
}

/** By content too: in a bucket made anew the same revision may hold something else. */
function isSame(left: Stored<unknown>, right: Stored<unknown>): boolean {
  return left.revision === right.revision && JSON.stringify(left.value) === JSON.stringify(right.value);
}
