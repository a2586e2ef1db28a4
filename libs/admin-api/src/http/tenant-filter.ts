import { scopeOf } from '../auth/permissions';
import type { Principal } from '../auth/principal';
import { AdminError } from '../core/admin-error';

/** Who sees some tenants only is shown one of them at a time. @throws AdminError 400 where it is not said which. */
export function tenantFilter(tenant: string | undefined, principal: Principal): { tenantId?: string } {
  const scope = scopeOf(principal);
  if (scope === undefined || tenant !== undefined) return { tenantId: tenant };
  const [only, ...others] = scope;
  if (only !== undefined && others.length === 0) return { tenantId: only };
  const faults = [{ path: 'tenant', message: 'required: you see several tenants' }];
  throw new AdminError(400, 'invalid_query', 'the query has faults', { faults });
}
