import {
  BUCKETS,
  bucketKey,
  type CatalogSettingsV1,
  encodeJson,
  type ModelRecordV1,
  parseBucketKey,
  type ProviderRecordV1,
  recentPrices,
  SETTINGS_KEY,
} from '@switchboard/contracts';
import { encodeModel } from '@switchboard/platform';
import type { Transaction } from '../services/mutations';
import { publishedTenants } from './published-tenants';
import { keyRecordOf, modelOf, type ModelRow, openProviderOf, type ProviderRow } from './rows';

/** One entry of a bucket, by the names of both. */
export interface EntryName {
  bucket: string;
  key: string;
}

/** What the buckets should hold: by bucket, then by key. */
export type Entries = ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;

/** What the tables say now of these entries; those that should not be are left out. */
export async function currentEntries(tx: Transaction, names: readonly EntryName[]): Promise<Entries> {
  const keysOf = (bucket: { name: string }): string[] =>
    names.filter((name) => name.bucket === bucket.name).map(({ key }) => key);
  return entriesOf(tx, { catalog: keysOf(BUCKETS.catalog), keys: keysOf(BUCKETS.keys) });
}

/** What the tables say now of everything. */
export async function allEntries(tx: Transaction): Promise<Entries> {
  return entriesOf(tx, undefined);
}

async function entriesOf(
  tx: Transaction,
  wanted: { catalog: readonly string[]; keys: readonly string[] } | undefined,
): Promise<Entries> {
  const catalog = [
    ...(await providerEntries(tx, wanted && idsOf('provider', wanted.catalog))),
    ...(await modelEntries(tx, wanted && idsOf('model', wanted.catalog))),
    ...(wanted?.catalog.includes(SETTINGS_KEY) === false ? [] : await settingsEntries(tx)),
  ];
  const keys = [
    ...(await tenantEntries(tx, wanted && idsOf('tenant', wanted.keys))),
    ...(await keyEntries(tx, wanted && hashesOf(wanted.keys))),
  ];
  return new Map([
    [BUCKETS.catalog.name, new Map(catalog)],
    [BUCKETS.keys.name, new Map(keys)],
  ]);
}

type Entry = readonly [key: string, value: Uint8Array];

async function providerEntries(tx: Transaction, ids: string[] | undefined): Promise<Entry[]> {
  if (ids?.length === 0) return [];
  const rows = await tx.providerAccount.findMany(ids && { where: { id: { in: ids } } });
  return rows.map((row) => [bucketKey.provider(row.id), encodeJson(providerRecord(row))]);
}

async function modelEntries(tx: Transaction, ids: string[] | undefined): Promise<Entry[]> {
  if (ids?.length === 0) return [];
  const rows = await tx.catalogModel.findMany(ids && { where: { id: { in: ids } } });
  const nowMs = Date.now();
  return rows.map((row) => [bucketKey.model(row.id), encodeJson(modelRecord(row, nowMs))]);
}

async function settingsEntries(tx: Transaction): Promise<Entry[]> {
  const row = await tx.gatewaySettings.findUnique({ where: { id: 1 } });
  return row === null ? [] : [[SETTINGS_KEY, encodeJson(row.settings as unknown as CatalogSettingsV1)]];
}

async function tenantEntries(tx: Transaction, ids: string[] | undefined): Promise<Entry[]> {
  const tenants = await publishedTenants(tx, ids);
  return tenants.map((tenant) => [bucketKey.tenant(tenant.id), encodeJson(tenant)]);
}

async function keyEntries(tx: Transaction, hashes: string[] | undefined): Promise<Entry[]> {
  if (hashes?.length === 0) return [];
  const rows = await tx.keySecret.findMany({
    ...(hashes && { where: { hash: { in: hashes } } }),
    include: { key: true },
  });
  return rows.map((row) => [bucketKey.key(row.hash), encodeJson(keyRecordOf(row.key, row))]);
}

function providerRecord(row: ProviderRow): ProviderRecordV1 {
  return { ...openProviderOf(row), sealed: row.sealed };
}

function modelRecord(row: ModelRow, nowMs: number): ModelRecordV1 {
  const model = modelOf(row);
  return encodeModel({ ...model, pricing: recentPrices(model.pricing, nowMs) }, row.position);
}

function idsOf(kind: string, keys: readonly string[]): string[] {
  return keys.flatMap((key) => {
    const parsed = parseBucketKey(key);
    return parsed?.kind === kind ? [parsed.id] : [];
  });
}

function hashesOf(keys: readonly string[]): string[] {
  const prefix = bucketKey.key('');
  return keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
}
