import { type AdministeredTenant, BUCKETS, bucketKey } from '@switchboard/contracts';
import { nanoUsd, type PrismaClient } from '@switchboard/platform';
import { lockTenant } from '../adapters/locks';
import { managedOf, tenantColumns, tenantOf, type TenantRow } from '../adapters/rows';
import { AdminError } from '../core/admin-error';
import type { TenantCreateInput, TenantUpdateInput } from '../core/inputs/tenant-input';
import { decodeCursor, type Page, pageOf, type PageRequest, type TenantScope } from '../core/page';
import { alreadyExists, notFound } from '../core/refusals';
import { tenantView, type TenantView } from '../core/tenant-view';
import { removeKeys } from './key-rows';
import type { Change, Transaction } from './mutations';
import { removeWebhooks } from './webhook-removal';

export class Tenants {
  constructor(private readonly prisma: PrismaClient) {}

  /** By id. */
  async list(page: PageRequest, scope?: TenantScope): Promise<Page<TenantView>> {
    const after = page.cursor === undefined ? {} : { gt: decodeCursor(page.cursor) };
    const rows = await this.prisma.tenant.findMany({
      where: { id: { ...after, ...(scope === undefined ? {} : { in: [...scope] }) } },
      orderBy: { id: 'asc' },
      take: page.limit + 1,
    });
    return pageOf(rows, page.limit, { view, cursor: ({ id }) => id });
  }

  /** Undefined: there is none, or not in this scope. */
  async get(id: string, scope?: TenantScope): Promise<TenantView | undefined> {
    if (scope?.includes(id) === false) return undefined;
    const row = await this.prisma.tenant.findUnique({ where: { id } });
    return row === null ? undefined : view(row);
  }

  /** @throws AdminError 409 */
  async create(change: Change, input: TenantCreateInput): Promise<TenantView> {
    const { tx, now } = change;
    const { id, name, active, limits, budget, callLogRetentionDays } = input;
    if ((await tx.tenant.findUnique({ where: { id } })) !== null) throw alreadyExists('tenant', id);
    const tenant: AdministeredTenant = { id, name: name ?? id, active, limits };
    if (callLogRetentionDays !== undefined) tenant.callLogRetentionDays = callLogRetentionDays;
    if (budget !== undefined) tenant.budget = { nanoUsd: nanoUsd(budget.usd), period: budget.period };
    const row = await tx.tenant.create({
      data: { ...tenantColumns(tenant), managedBy: 'api', createdAt: now, updatedAt: now },
    });
    const after = view(row);
    change.audit({ action: 'tenant.create', resourceType: 'tenant', resourceId: id, tenantId: id, after });
    change.publish(BUCKETS.keys, bucketKey.tenant(id));
    return after;
  }

  /** @throws AdminError 404 */
  async update(change: Change, id: string, input: TenantUpdateInput): Promise<TenantView> {
    const { budget, name, active, limits, callLogRetentionDays: given } = input;
    return changeTenant(change, id, 'tenant.update', (tenant) => {
      const { budget: before, callLogRetentionDays: days, ...rest } = tenant;
      const retention = given === undefined ? days : (given ?? undefined);
      const now = budget === undefined ? before : (budget ?? undefined);
      return {
        ...{ ...rest, name: name ?? rest.name, active: active ?? rest.active, limits: limits ?? rest.limits },
        ...(retention === undefined ? {} : { callLogRetentionDays: retention }),
        ...(now === undefined
          ? {}
          : { budget: 'usd' in now ? { nanoUsd: nanoUsd(now.usd), period: now.period } : now }),
      };
    });
  }

  /** With all its keys and webhooks. @throws AdminError 404; 409 when it ever had credits, which stay on the books. */
  async remove(change: Change, id: string): Promise<void> {
    const { tx } = change;
    const row = await lockedTenant(tx, id);
    if ((await tx.creditEntry.count({ where: { tenantId: id } })) > 0) {
      throw new AdminError(409, 'tenant_has_credits', `Tenant ${id} has credits on the books: set active to false.`);
    }
    await removeKeys(change, id);
    await removeWebhooks(change, id);
    await tx.tenant.delete({ where: { id } });
    change.audit({ action: 'tenant.remove', resourceType: 'tenant', resourceId: id, tenantId: id, before: view(row) });
    change.publish(BUCKETS.keys, bucketKey.tenant(id));
  }
}

/** Changes a tenant where that makes a difference. @throws AdminError 404 */
export async function changeTenant(
  change: Change,
  id: string,
  action: 'tenant.update' | 'tenant.budget_set' | 'tenant.budget_clear',
  changed: (tenant: AdministeredTenant) => AdministeredTenant,
): Promise<TenantView> {
  const row = await lockedTenant(change.tx, id);
  const data = { ...tenantColumns(changed(tenantOf(row))), updatedAt: change.now };
  const after = view(await change.tx.tenant.update({ where: { id }, data }));
  change.audit({ action, resourceType: 'tenant', resourceId: id, tenantId: id, before: view(row), after });
  change.publish(BUCKETS.keys, bucketKey.tenant(id));
  return after;
}

/** @throws AdminError 404 */
export async function lockedTenant(tx: Transaction, id: string): Promise<TenantRow> {
  await lockTenant(tx, id);
  const row = await tx.tenant.findUnique({ where: { id } });
  if (row === null) throw notFound('tenant', id);
  return row;
}

function view(row: TenantRow): TenantView {
  return tenantView(tenantOf(row), managedOf(row));
}
