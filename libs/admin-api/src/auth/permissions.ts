import { EVERYWHERE, type Principal, reaches, type Role } from './principal';

/** What a permission asks for: a role in the tenant concerned, or a role on the platform. */
interface Requirement {
  at: 'tenant' | 'platform';
  role: Role;
}

const inTenant = (role: Role): Requirement => ({ at: 'tenant', role });
const onPlatform = (role: Role): Requirement => ({ at: 'platform', role });

/** Who may do what, whole. */
export const PERMISSIONS = {
  'tenant.read': inTenant('viewer'),
  'tenant.create': onPlatform('admin'),
  /** Name and budget. */
  'tenant.update': inTenant('owner'),
  /** Limits, whether it is active, how long its calls are kept. */
  'tenant.govern': onPlatform('admin'),
  'tenant.delete': onPlatform('admin'),
  'key.read': inTenant('viewer'),
  'key.create': inTenant('admin'),
  'key.update': inTenant('admin'),
  'key.rotate': inTenant('admin'),
  'key.revoke': inTenant('admin'),
  'budget.read': inTenant('viewer'),
  'budget.tenant': inTenant('owner'),
  'budget.key': inTenant('admin'),
  'credits.read': inTenant('viewer'),
  'credits.top-up': onPlatform('admin'),
  'webhook.read': inTenant('viewer'),
  'webhook.write': inTenant('admin'),
  /** Those of all tenants, and those that may be in a private network. */
  'webhook.govern': onPlatform('admin'),
  'export.read': inTenant('viewer'),
  'export.write': inTenant('admin'),
  /** Those of all tenants. */
  'export.govern': onPlatform('admin'),
  'usage.read': inTenant('viewer'),
  'audit.read': inTenant('viewer'),
  /** Who called what, from where. */
  'calls.read': inTenant('viewer'),
  /** What they asked; each reading is audited. */
  'calls.prompts': inTenant('owner'),
  /** Dead letters: whose they are may be what is wrong with them. */
  'refused-usage.read': onPlatform('viewer'),
  'refused-usage.decide': onPlatform('admin'),
  /** Of all tenants at once. */
  'ledger.read': onPlatform('viewer'),
  'provider.read': onPlatform('viewer'),
  'provider.write': onPlatform('admin'),
  /** What we pay stands in both; what tenants may know of models is in the public port's catalog. */
  'model.read': onPlatform('viewer'),
  'model.write': onPlatform('admin'),
  'routing.explain': onPlatform('viewer'),
  'config.read': onPlatform('viewer'),
  'health.read': onPlatform('viewer'),
} as const satisfies Record<string, Requirement>;

export type Permission = keyof typeof PERMISSIONS;

/** `hidden`: as if what is asked for did not exist. */
export type Decision = 'allowed' | 'forbidden' | 'hidden';

/** `tenantId`: whose it is; absent: the platform's, or of no tenant in particular. */
export function decide(principal: Principal, permission: Permission, tenantId?: string): Decision {
  const { at, role } = PERMISSIONS[permission];
  const { roles } = principal;
  if (tenantId !== undefined && !roles.has(EVERYWHERE) && !roles.has(tenantId)) return 'hidden';
  const held = at === 'platform' ? [] : tenantId === undefined ? [...roles.values()] : [roles.get(tenantId)];
  return [roles.get(EVERYWHERE), ...held].some((one) => reaches(one, role)) ? 'allowed' : 'forbidden';
}

/** Whether it is allowed whoever's it is. */
export function isAllowedEverywhere({ roles }: Principal, permission: Permission): boolean {
  return reaches(roles.get(EVERYWHERE), PERMISSIONS[permission].role);
}

/** The tenants whose things a principal sees; undefined: all. */
export function scopeOf({ roles }: Principal): string[] | undefined {
  return roles.has(EVERYWHERE) ? undefined : [...roles.keys()];
}
