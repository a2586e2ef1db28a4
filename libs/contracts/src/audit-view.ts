/** A row of the audit log. */
export interface AuditRow {
  id: string;
  at: Date;
  actor: string;
  action: string;
  resourceType: string;
  resourceId: string;
  tenantId: string | null;
  before: unknown;
  after: unknown;
}

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

/** Of its CSV, in their order. */
export const AUDIT_COLUMNS = [
  'id',
  'at',
  'actor',
  'action',
  'resourceType',
  'resourceId',
  'tenant',
  'before',
  'after',
] as const satisfies (keyof AuditEntryView)[];

export function auditEntryView(row: AuditRow): AuditEntryView {
  const { id, at, actor, action, resourceType, resourceId, tenantId, before, after } = row;
  return {
    ...{ id, at: at.toISOString(), actor, action, resourceType, resourceId, tenant: tenantId },
    ...{ before: before as object | null, after: after as object | null },
  };
}
