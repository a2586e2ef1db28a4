import type { AdministeredTenant, Budget, KeyRecord, Tenant } from '@switchboard/contracts';
import { nanoUsd } from './amount-schema';
import { asText, readEntries, refuseRepeated, type Entry, type Reading } from './entries';
import type { ConfiguredTenant } from './gateway-config';
import { keyHash, keyId } from './key-identity';
import { keySecretSchema, resolveSecret } from './secret';
import { keySchema, tenantSchema, type KeyEntry, type TenantEntry } from './tenant-schema';

/** Across all tenants: two keys may share neither their hash nor the id made from their names. */
interface TakenKeys {
  hashes: Set<string>;
  ids: Set<string>;
}

export function readTenants(list: unknown, reading: Reading): ConfiguredTenant[] {
  const entries = readEntries(tenantSchema, list, ['tenants'], reading.faults);
  refuseRepeated(entries, 'id', reading.faults);
  const taken: TakenKeys = { hashes: new Set(), ids: new Set() };
  return entries.flatMap((entry) => readTenant(entry, taken, reading) ?? []);
}

function readTenant(entry: Entry<TenantEntry>, taken: TakenKeys, reading: Reading): ConfiguredTenant | undefined {
  const keyEntries = readEntries(keySchema, entry.raw.keys, [...entry.path, 'keys'], reading.faults);
  const hashes = keyEntries.map((key) => readHash(key, taken, reading));
  for (const key of keyEntries) refuseSameId(asText(entry.raw.id), key, taken, reading);
  if (entry.value === undefined) return undefined;
  const { id, name, active, limits, budget, callLogRetentionDays, credits } = entry.value;
  const tenant: AdministeredTenant = { id, name: name ?? id, active, limits };
  if (callLogRetentionDays !== undefined) tenant.callLogRetentionDays = callLogRetentionDays;
  if (budget !== undefined) tenant.budget = budgetOf(budget);
  const keys = keyEntries.flatMap((key, index) => {
    const hash = hashes[index];
    return key.value === undefined || hash === undefined ? [] : [keyRecord(key.value, hash, tenant)];
  });
  return { tenant, keys, ...(credits === undefined ? {} : { creditsNanoUsd: nanoUsd(credits.usd) }) };
}

function refuseSameId(tenantId: string | undefined, key: Entry<KeyEntry>, taken: TakenKeys, reading: Reading): void {
  const name = asText(key.raw.name);
  if (tenantId === undefined || name === undefined) return;
  const id = keyId(tenantId, name);
  if (taken.ids.has(id)) reading.faults.add([...key.path, 'name'], `makes the key id ${id} a second time`);
  taken.ids.add(id);
}

function readHash(key: Entry<KeyEntry>, taken: TakenKeys, reading: Reading): string | undefined {
  const reference = keySecretSchema.safeParse(key.raw.key);
  if (!reference.success) return undefined;
  const path = [...key.path, 'key'];
  let { hash } = reference.data;
  if (hash === undefined) {
    const resolved = resolveSecret(reference.data, reading.secrets);
    if (!resolved.ok) {
      reading.faults.add(path, resolved.fault);
      return undefined;
    }
    if (resolved.warning !== undefined) {
      reading.warnings.push(`key ${asText(key.raw.name) ?? ''}: ${resolved.warning}, or its hash`);
    }
    hash = keyHash(resolved.secret);
  }
  if (taken.hashes.has(hash)) reading.faults.add(path, 'is the same key as another one');
  taken.hashes.add(hash);
  return hash;
}

function budgetOf(entry: NonNullable<KeyEntry['budget']>): Budget {
  return { nanoUsd: nanoUsd(entry.usd), period: entry.period };
}

function keyRecord(entry: KeyEntry, hash: string, tenant: Tenant): KeyRecord {
  const { name, kind, permissions, models, origins, ips, limits, logging } = entry;
  const record: KeyRecord = {
    ...{ id: keyId(tenant.id, name), hash, name, kind, tenant, permissions, models, origins, ips, limits, logging },
    revoked: false,
  };
  if (entry.expiresAt !== undefined) record.expiresAtMs = Date.parse(entry.expiresAt);
  if (entry.budget !== undefined) record.budget = budgetOf(entry.budget);
  return record;
}
