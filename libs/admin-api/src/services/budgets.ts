import { nanoUsd } from '@switchboard/platform';
import type { BudgetInput } from '../core/inputs/budget-input';
import type { KeyView } from '../core/key-view';
import type { TenantView } from '../core/tenant-view';
import { changeKey } from './keys';
import type { Change } from './mutations';
import { changeTenant } from './tenants';

export type BudgetOwner = { tenantId: string } | { keyId: string };

/** What a tenant or a key may spend in a period. */
export class Budgets {
  /** @returns the tenant or the key, as it is now. @throws AdminError 404 */
  set(change: Change, owner: BudgetOwner, { usd, period }: BudgetInput): Promise<TenantView | KeyView> {
    const budget = { nanoUsd: nanoUsd(usd), period };
    if ('tenantId' in owner) {
      return changeTenant(change, owner.tenantId, 'tenant.budget_set', (tenant) => ({ ...tenant, budget }));
    }
    return changeKey(change, owner.keyId, 'key.budget_set', (key) => ({ ...key, budget }));
  }

  /** @returns the tenant or the key, as it is now. @throws AdminError 404 */
  clear(change: Change, owner: BudgetOwner): Promise<TenantView | KeyView> {
    if ('tenantId' in owner) {
      return changeTenant(change, owner.tenantId, 'tenant.budget_clear', ({ budget: _, ...tenant }) => tenant);
    }
    return changeKey(change, owner.keyId, 'key.budget_clear', ({ budget: _, ...key }) => key);
  }
}
