import { type AuditEntryView, auditEntryView, InvalidCursorError } from '@switchboard/contracts';
import type { Prisma, PrismaClient } from '@switchboard/platform';
import { decodeCursor, type Page, pageOf, type TenantScope } from '../../core/page';
import type { AuditQuery } from '../audit-query';

export class AuditLog {
  constructor(private readonly prisma: PrismaClient) {}

  /** The latest first. Within a scope, nothing of what concerns all tenants. */
  async list(query: AuditQuery, scope: TenantScope): Promise<Page<AuditEntryView>> {
    const rows = await this.prisma.auditEntry.findMany({
      where: conditionOf(query, scope),
      orderBy: { id: 'desc' },
      take: query.limit + 1,
    });
    return pageOf(rows, query.limit, { view: auditEntryView, cursor: ({ id }) => id });
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
