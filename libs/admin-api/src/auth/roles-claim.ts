import { EVERYWHERE, reaches, type Role, ROLES } from './principal';

const TENANT = /^[\w][\w.-]{0,99}$/;

/**
 * The roles of a claim: `["acme:admin", "*:viewer"]` or `{ "acme": "admin" }`. What names no known role is passed over,
 * for an issuer's claim may serve others too; of two roles in one tenant the higher holds.
 */
export function rolesOf(claim: unknown): Map<string, Role> {
  const roles = new Map<string, Role>();
  for (const [tenant, role] of pairsOf(claim)) {
    if (tenant !== EVERYWHERE && !TENANT.test(tenant)) continue;
    if (isRole(role) && !reaches(roles.get(tenant), role)) roles.set(tenant, role);
  }
  return roles;
}

function pairsOf(claim: unknown): [tenant: string, role: unknown][] {
  if (Array.isArray(claim)) {
    return claim.flatMap((entry: unknown): [string, unknown][] => {
      const [, tenant, role] = typeof entry === 'string' ? (/^(.+):([^:]+)$/.exec(entry) ?? []) : [];
      return tenant === undefined ? [] : [[tenant, role]];
    });
  }
  return typeof claim === 'object' && claim !== null ? Object.entries(claim) : [];
}

function isRole(value: unknown): value is Role {
  return ROLES.some((role) => role === value);
}
