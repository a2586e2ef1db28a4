import type { BudgetName, Reserved } from '../core/quota';

/**
 * Every key there is. All of one group lies in one slot of a cluster: what braces enclose chooses it. So one script can
 * take it all in one step.
 */
export const redisKeys = {
  /** Set of the groups' names. */
  groups: 'sb:groups',
  /** Hash: one reservation. */
  reservation: (group: string, requestId: string): string => `${reservationPrefix(group)}${requestId}`,
  /** Sorted set: open reservations by the end of their leases. */
  leases: (group: string): string => `sb:{${group}}:leases`,
  /** Sorted set: expired reservations by when somebody last took them to record them. */
  orphans: (group: string): string => `sb:{${group}}:orphans`,
  /** Hash: the token buckets of one scope. */
  rates: (group: string, scope: string): string => `sb:{${group}}:rates:${scope}`,
  /** Sorted set: open calls of one scope by the end of their leases. */
  open: (group: string, scope: string): string => `sb:{${group}}:open:${scope}`,
  /** Hash: what is spent and held of one budget. */
  money: ({ group, scope, id }: BudgetName): string => `sb:{${group}}:money:${id}:${scope}`,
};

export function reservationPrefix(group: string): string {
  return `sb:{${group}}:reservation:`;
}

/** As the scripts read them: for each scope its rates, its open calls, its budgets. */
export function scopeKeys(group: string, scopes: Reserved['scopes']): string[] {
  return scopes.flatMap(({ scope, budgets }) => [
    redisKeys.rates(group, scope),
    redisKeys.open(group, scope),
    ...budgets.map((id) => redisKeys.money({ group, scope, id })),
  ]);
}

/** Of the scripts that change one reservation. */
export function reservedKeys({ group, requestId, scopes }: Reserved): string[] {
  return [
    redisKeys.reservation(group, requestId),
    redisKeys.leases(group),
    redisKeys.orphans(group),
    ...scopeKeys(group, scopes),
  ];
}
