import type {
  AdministeredTenant,
  Budget,
  KeyRecord,
  KeyRecordV1,
  Limits,
  Model,
  Permission,
} from '@switchboard/contracts';
import { Prisma } from '@switchboard/platform';
import type { KeyDeclaration } from '../core/key-view';
import type { OpenProvider } from '../core/provider-view';
import type { Managed, ManagedBy } from '../core/tenant-view';

export type TenantRow = Prisma.TenantGetPayload<object>;
export type KeyRow = Prisma.ApiKeyGetPayload<{ include: { secrets: true } }>;
export type KeySecretRow = Prisma.KeySecretGetPayload<object>;
export type ProviderRow = Prisma.ProviderAccountGetPayload<object>;
export type ModelRow = Prisma.CatalogModelGetPayload<object>;

/** These columns are written by this file alone, so what they hold has its shape. */
function read<T>(value: Prisma.JsonValue): T {
  return value as T;
}

export function json(value: object): Prisma.InputJsonObject {
  return value as Prisma.InputJsonObject;
}

export function jsonOrNull(value: object | undefined): Prisma.InputJsonObject | typeof Prisma.DbNull {
  return value === undefined ? Prisma.DbNull : json(value);
}

export function managedOf(row: { managedBy: string; createdAt: Date; updatedAt: Date }): Managed {
  return { managedBy: row.managedBy as ManagedBy, createdAt: row.createdAt, updatedAt: row.updatedAt };
}

export function tenantOf(row: TenantRow): AdministeredTenant {
  const { id, name, active, limits, budget, callLogRetentionDays } = row;
  return {
    id,
    name,
    active,
    limits: read<Limits>(limits),
    ...(budget === null ? {} : { budget: read<Budget>(budget) }),
    ...(callLogRetentionDays === null ? {} : { callLogRetentionDays }),
  };
}

export function tenantColumns(tenant: AdministeredTenant) {
  const { id, name, active, limits, budget, callLogRetentionDays = null } = tenant;
  return { id, name, active, limits: json(limits), budget: jsonOrNull(budget), callLogRetentionDays };
}

export function keyOf(row: Omit<KeyRow, 'secrets'>): KeyDeclaration {
  return {
    id: row.id,
    tenantId: row.tenantId,
    name: row.name,
    kind: row.kind as KeyRecord['kind'],
    permissions: read<Permission[]>(row.permissions),
    models: read<string[]>(row.models),
    origins: read<string[]>(row.origins),
    ips: read<string[]>(row.ips),
    limits: read<Limits>(row.limits),
    logging: read<KeyRecord['logging']>(row.logging),
    ...(row.expiresAt === null ? {} : { expiresAtMs: row.expiresAt.getTime() }),
    ...(row.budget === null ? {} : { budget: read<Budget>(row.budget) }),
  };
}

export function keyColumns(key: KeyDeclaration) {
  const { id, tenantId, name, kind, permissions, models, origins, ips, expiresAtMs, limits, budget, logging } = key;
  return {
    ...{ id, tenantId, name, kind, permissions, models, origins, ips },
    expiresAt: expiresAtMs === undefined ? null : new Date(expiresAtMs),
    ...{ limits: json(limits), budget: jsonOrNull(budget), logging: json(logging) },
  };
}

/** What the edges get of one secret of a key: it ends with the first of its own end and the key's. */
export function keyRecordOf(
  row: Omit<KeyRow, 'secrets'>,
  secret: Pick<KeySecretRow, 'hash' | 'expiresAt'>,
): KeyRecordV1 {
  const { expiresAtMs, ...key } = keyOf(row);
  const endsAtMs = Math.min(expiresAtMs ?? Infinity, secret.expiresAt?.getTime() ?? Infinity);
  return {
    ...key,
    hash: secret.hash,
    revoked: row.revokedAt !== null,
    ...(endsAtMs === Infinity ? {} : { expiresAtMs: endsAtMs }),
  };
}

export function openProviderOf(row: Pick<ProviderRow, 'spec'>): OpenProvider {
  return read<OpenProvider>(row.spec);
}

export function modelOf(row: Pick<ModelRow, 'spec'>): Model {
  return read<Model>(row.spec);
}

export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
}
