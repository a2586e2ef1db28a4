import type { KeyRecord, KeyRecordV1, Tenant } from '@switchboard/contracts';

/** A value as a bucket holds it. */
export interface Stored<T> {
  value: T;
  /** Of the bucket's entry. */
  revision: number;
}

/** A key's own entry, and where it is. */
export interface StoredKey extends Stored<KeyRecordV1> {
  bucketKey: string;
}

interface Held<T> {
  stored: T;
  /** Monotonic milliseconds; from then on it is to be looked at again. */
  checkAtMs: number;
  /** Grows with every change, so that an answer asked for before one is known to be outdated. */
  changes: number;
}

export interface HeldKey extends Held<StoredKey> {
  readonly sha256Hex: string;
  /** A new object per change: what is compiled from a record hangs on its identity. */
  record: KeyRecord;
  tenant: HeldTenant;
  /** Asked for since eviction last came past. */
  used: boolean;
}

export interface HeldTenant extends Held<Stored<Tenant>> {
  readonly id: string;
  readonly keys: Set<HeldKey>;
}

/**
 * The keys a process knows, by the SHA-256 of their plaintext, with their tenants; at most `keysMax`.
 *
 * Evicts roughly the least recently used: those not asked for since eviction last came past (a clock). A true order of
 * use would reorder a Map at every request.
 */
export class HeldKeys {
  private readonly bySha256 = new Map<string, HeldKey>();
  private readonly byBucketKey = new Map<string, HeldKey>();
  private readonly tenants = new Map<string, HeldTenant>();

  constructor(private readonly keysMax: number) {}

  get size(): number {
    return this.bySha256.size;
  }

  get(sha256Hex: string): HeldKey | undefined {
    return this.bySha256.get(sha256Hex);
  }

  at(bucketKey: string): HeldKey | undefined {
    return this.byBucketKey.get(bucketKey);
  }

  tenant(id: string): HeldTenant | undefined {
    return this.tenants.get(id);
  }

  all(): Iterable<HeldKey> {
    return this.bySha256.values();
  }

  allTenants(): Iterable<HeldTenant> {
    return this.tenants.values();
  }

  /** Takes the place of what is held of this key; `tenant` counts only where the tenant is not held yet. */
  hold(sha256Hex: string, stored: StoredKey, tenant: Stored<Tenant>, checkAtMs: number): HeldKey {
    const before = this.bySha256.get(sha256Hex);
    // Before the old one is dropped: with it a tenant that nobody else belongs to would go too.
    const heldTenant = this.holdTenant(stored.value.tenantId, tenant, checkAtMs);
    const key: HeldKey = {
      // Not yet used: a key that comes once must not push out those that come again and again.
      ...{ sha256Hex, stored, checkAtMs, changes: 0, used: false },
      tenant: heldTenant,
      record: composed(stored.value, heldTenant.stored.value),
    };
    heldTenant.keys.add(key);
    if (before !== undefined) this.drop(before);
    while (this.bySha256.size >= this.keysMax) this.evictOne();
    this.bySha256.set(sha256Hex, key);
    this.byBucketKey.set(stored.bucketKey, key);
    return key;
  }

  changeKey(key: HeldKey, stored: StoredKey): void {
    key.changes++;
    key.stored = stored;
    key.record = composed(stored.value, key.tenant.stored.value);
  }

  changeTenant(tenant: HeldTenant, stored: Stored<Tenant>): void {
    tenant.changes++;
    tenant.stored = stored;
    for (const key of tenant.keys) key.record = composed(key.stored.value, stored.value);
  }

  drop(key: HeldKey): void {
    key.changes++;
    if (this.bySha256.get(key.sha256Hex) === key) this.bySha256.delete(key.sha256Hex);
    if (this.byBucketKey.get(key.stored.bucketKey) === key) this.byBucketKey.delete(key.stored.bucketKey);
    const { tenant } = key;
    tenant.keys.delete(key);
    if (tenant.keys.size === 0) this.tenants.delete(tenant.id);
  }

  dropTenant(tenant: HeldTenant): void {
    for (const key of [...tenant.keys]) this.drop(key);
  }

  private holdTenant(id: string, stored: Stored<Tenant>, checkAtMs: number): HeldTenant {
    let tenant = this.tenants.get(id);
    if (tenant === undefined) this.tenants.set(id, (tenant = { id, stored, checkAtMs, changes: 0, keys: new Set() }));
    return tenant;
  }

  private evictOne(): void {
    for (const key of this.bySha256.values()) {
      if (!key.used) return this.drop(key);
      // A second chance, at the end of the order.
      key.used = false;
      this.bySha256.delete(key.sha256Hex);
      this.bySha256.set(key.sha256Hex, key);
    }
  }
}

function composed({ tenantId: _, ...own }: KeyRecordV1, tenant: Tenant): KeyRecord {
  return { ...own, tenant };
}
