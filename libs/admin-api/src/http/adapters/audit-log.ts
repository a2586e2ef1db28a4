import { InvalidCursorError } from '@switchboard/contracts';
import type { Prisma, PrismaClient } from '@switchboard/platform';
import { decodeCursor, type Page, pageOf, type TenantScope } from '../../core/page';
import type { AuditQuery } from '../audit-query';

/** `before` and `after` hold no secrets; null where there was nothing. */
export interface AuditEntryView {
  id: string;
  at: string;
  actor: string;
  action: string;
  resourceType: string;
  resourceId: string;
  /** Null: it concerns all tenants. */
  tenant: string | null;
  before: object | null;
  after: object | null;
}

export class AuditLog {
  constructor(private readonly prisma: PrismaClient) {}

  /** The latest first. Within a scope, nothing of what concerns all tenants. */
  async list(query: AuditQuery, scope: TenantScope): Promise<Page<AuditEntryView>> {
    const rows = await this.prisma.auditEntry.findMany({
      where: conditionOf(query, scope),
      orderBy: { id: 'desc' },
      take: query.limit + 1,
    });
    return pageOf(rows, query.limit, { view: viewOf, cursor: ({ id }) => id });
  }
}

function conditionOf(query: AuditQuery, scope: TenantScope): Prisma.AuditEntryWhereInput {
  const { tenant, actor, action, resource, from, to, cursor } = query;
  const [, resourceType, resourceId] = /^([^:]+)(?::(.*))?$/s.exec(resource ?? '') ?? [];
  const tenants = [tenant === undefined ? undefined : [tenant], scope && [...scope]];
  return {
    AND: tenants.flatMap((ids) => (ids === undefined ? [] : [{ tenantId: { in: ids } }])),
    ...{ actor, action, resourceType, resourceId },
    at: { gte: from === undefined ? undefined : new Date(from), lt: to === undefined ? undefined : new Date(to) },
    id: cursor === undefined ? undefined : { lt: placeOf(cursor) },
  };
}

function placeOf(cursor: string): string {
  const place = decodeCursor(cursor);
  if (!/^aud_[0-9a-f-]{36}$/.test(place)) throw new InvalidCursorError();
  return place;
}

function viewOf(row: Prisma.AuditEntryGetPayload<object>): AuditEntryView {
  const { id, at, actor, action, resourceType, resourceId, tenantId, before, after } = row;
  return {
    ...{ id, at: at.toISOString(), actor, action, resourceType, resourceId, tenant: tenantId },
    ...{ before: before as object | null, after: after as object | null },
  };
}
