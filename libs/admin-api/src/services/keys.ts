import type { CatalogSettingsV1 } from '@switchboard/contracts';
import { DEFAULT_BRAND, type KeyHasher, keyHash, nanoUsd, type PrismaClient } from '@switchboard/platform';
import { v7 as uuidv7 } from 'uuid';
import { lockKey } from '../adapters/locks';
import { keyColumns, keyOf, type KeyRow } from '../adapters/rows';
import { AdminError } from '../core/admin-error';
import type { KeyCreateInput, KeyRotateInput, KeyUpdateInput } from '../core/inputs/key-input';
import type { KeyDeclaration, KeyView, NewKeyView } from '../core/key-view';
import { decodeCursor, type Page, pageOf, type PageRequest, type TenantScope } from '../core/page';
import { notFound } from '../core/refusals';
import { publishKey, viewOfKey } from './key-rows';
import type { Change, Transaction } from './mutations';
import { newKey } from './new-key';
import { lockedTenant } from './tenants';

export class Keys {
  constructor(
    private readonly prisma: PrismaClient,
    private readonly hasher: KeyHasher,
  ) {}

  /** By id. `tenantId`: only this tenant's. */
  async list(page: PageRequest, filter: { tenantId?: string } = {}, scope?: TenantScope): Promise<Page<KeyView>> {
    const after = page.cursor === undefined ? {} : { id: { gt: decodeCursor(page.cursor) } };
    const tenants = [filter.tenantId === undefined ? undefined : [filter.tenantId], scope && [...scope]];
    const rows = await this.prisma.apiKey.findMany({
      where: { ...after, AND: tenants.flatMap((ids) => (ids === undefined ? [] : [{ tenantId: { in: ids } }])) },
      include: { secrets: true },
      orderBy: { id: 'asc' },
      take: page.limit + 1,
    });
    return pageOf(rows, page.limit, { view: viewOfKey, cursor: ({ id }) => id });
  }

  /** Undefined: there is none, or not in this scope. */
  async get(id: string, scope?: TenantScope): Promise<KeyView | undefined> {
    const row = await this.prisma.apiKey.findUnique({ where: { id }, include: { secrets: true } });
    return row === null || scope?.includes(row.tenantId) === false ? undefined : viewOfKey(row);
  }

  /** @returns the key with its plaintext, which nobody can show again. @throws AdminError 404 for the tenant. */
  async create(change: Change, input: KeyCreateInput): Promise<NewKeyView> {
    const { tx, now } = change;
    const { tenant, environment, expiresAt, budget, ...declared } = input;
    await lockedTenant(tx, tenant);
    const key: KeyDeclaration = { ...declared, id: `key_${uuidv7()}`, tenantId: tenant };
    if (expiresAt !== undefined) key.expiresAtMs = Date.parse(expiresAt);
    if (budget !== undefined) key.budget = { nanoUsd: nanoUsd(budget.usd), period: budget.period };
    const made = newKey({ kind: key.kind, environment, keyPrefix: await keyPrefixOf(tx) });
    const secret = { ...this.hasher.current(keyHash(made.plaintext)), hint: made.hint, createdAt: now };
    const row = await tx.apiKey.create({
      data: {
        ...{ ...keyColumns(key), managedBy: 'api', createdAt: now, updatedAt: now },
        secrets: { create: [secret] },
      },
      include: { secrets: true },
    });
    const after = viewOfKey(row);
    change.audit({ action: 'key.create', resourceType: 'key', resourceId: key.id, tenantId: tenant, after });
    publishKey(change, row);
    return { ...after, key: made.plaintext };
  }

  /** @throws AdminError 404 */
  update(change: Change, id: string, input: KeyUpdateInput): Promise<KeyView> {
    const { budget, expiresAt, name, permissions, models, origins, ips, limits, logging } = input;
    return changeKey(change, id, 'key.update', (key) => {
      const { budget: budgetBefore, expiresAtMs: endBefore, ...rest } = key;
      const written = Object.entries({ name, permissions, models, origins, ips, limits, logging });
      const patch = Object.fromEntries(written.filter(([, value]) => value !== undefined)) as Partial<KeyDeclaration>;
      const changed: KeyDeclaration = { ...rest, ...patch };
      const end = expiresAt === undefined ? endBefore : expiresAt === null ? undefined : Date.parse(expiresAt);
      if (end !== undefined) changed.expiresAtMs = end;
      if (budget === undefined && budgetBefore !== undefined) changed.budget = budgetBefore;
      if (budget != null) changed.budget = { nanoUsd: nanoUsd(budget.usd), period: budget.period };
      return changed;
    });
  }

  /**
   * Gives the key a new secret; the older ones end with the overlap, or when they were to end anyway.
   *
   * @returns the key with the new plaintext. @throws AdminError 404; 409 when it is revoked.
   */
  async rotate(change: Change, id: string, { overlapSeconds }: KeyRotateInput): Promise<NewKeyView> {
    const { tx, now } = change;
    const row = await lockedKey(tx, id);
    if (row.revokedAt !== null) throw new AdminError(409, 'key_revoked', `Key ${id} is revoked: create another.`);
    const end = new Date(now.getTime() + overlapSeconds * 1000);
    const older = { keyId: id, OR: [{ expiresAt: null }, { expiresAt: { gt: end } }] };
    await tx.keySecret.updateMany({ where: older, data: { expiresAt: end } });
    const made = newKey({ kind: keyOf(row).kind, environment: environmentOf(row), keyPrefix: await keyPrefixOf(tx) });
    const secret = { ...this.hasher.current(keyHash(made.plaintext)), hint: made.hint, createdAt: now };
    const rotated = await tx.apiKey.update({
      where: { id },
      data: { updatedAt: now, secrets: { create: [secret] } },
      include: { secrets: true },
    });
    const after = viewOfKey(rotated);
    const audited = { resourceType: 'key', resourceId: id, tenantId: row.tenantId } as const;
    change.audit({ action: 'key.rotate', ...audited, before: viewOfKey(row), after });
    publishKey(change, rotated);
    return { ...after, key: made.plaintext };
  }

  /** For good, all its secrets at once; again does nothing. @throws AdminError 404 */
  async revoke(change: Change, id: string): Promise<KeyView> {
    const { tx, now } = change;
    const row = await lockedKey(tx, id);
    if (row.revokedAt !== null) return viewOfKey(row);
    const revoked = await tx.apiKey.update({
      where: { id },
      // No longer the file's: what was revoked by hand is not brought back by reading the file once more.
      data: { revokedAt: now, updatedAt: now, managedBy: 'api' },
      include: { secrets: true },
    });
    const after = viewOfKey(revoked);
    const audited = { resourceType: 'key', resourceId: id, tenantId: row.tenantId } as const;
    change.audit({ action: 'key.revoke', ...audited, before: viewOfKey(row), after });
    publishKey(change, revoked);
    return after;
  }
}

/** @throws AdminError 404 */
export async function changeKey(
  change: Change,
  id: string,
  action: 'key.update' | 'key.budget_set' | 'key.budget_clear',
  changed: (key: KeyDeclaration) => KeyDeclaration,
): Promise<KeyView> {
  const row = await lockedKey(change.tx, id);
  const updated = await change.tx.apiKey.update({
    where: { id },
    data: { ...keyColumns(changed(keyOf(row))), updatedAt: change.now },
    include: { secrets: true },
  });
  const after = viewOfKey(updated);
  const audited = { resourceType: 'key', resourceId: id, tenantId: row.tenantId } as const;
  change.audit({ action, ...audited, before: viewOfKey(row), after });
  publishKey(change, updated);
  return after;
}

async function lockedKey(tx: Transaction, id: string): Promise<KeyRow> {
  await lockKey(tx, id);
  const row = await tx.apiKey.findUnique({ where: { id }, include: { secrets: true } });
  if (row === null) throw notFound('key', id);
  return row;
}

async function keyPrefixOf(tx: Transaction): Promise<string> {
  const row = await tx.gatewaySettings.findUnique({ where: { id: 1 } });
  const settings = row?.settings as Partial<CatalogSettingsV1> | null | undefined;
  return settings?.brand?.keyPrefix ?? DEFAULT_BRAND.keyPrefix;
}

/** As the newest secret says of itself. */
function environmentOf({ secrets }: KeyRow): 'live' | 'test' {
  const newest = secrets.reduce<KeyRow['secrets'][number] | undefined>(
    (latest, secret) => (latest === undefined || secret.createdAt > latest.createdAt ? secret : latest),
    undefined,
  );
  return newest?.hint.includes('_test_') === true ? 'test' : 'live';
}
