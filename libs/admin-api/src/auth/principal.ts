import type { Actor } from '../core/actor';

/** Each may what those before it may. */
export const ROLES = ['viewer', 'admin', 'owner'] as const;
export type Role = (typeof ROLES)[number];

/** In place of a tenant id: every tenant, and the platform itself. */
export const EVERYWHERE = '*';

/** Who calls, and what they are where: by tenant id, or {@link EVERYWHERE}. */
export interface Principal {
  actor: Actor;
  roles: ReadonlyMap<string, Role>;
}

/** Who bears the admin token. */
export const PLATFORM_OWNER: Principal = {
  actor: { name: 'admin-token' },
  roles: new Map([[EVERYWHERE, 'owner']]),
};

export function reaches(role: Role | undefined, needed: Role): boolean {
  return role !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(needed);
}
