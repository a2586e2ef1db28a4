import { type AdministeredTenant, type Budget, type Limits, usdFromNano } from '@switchboard/contracts';

export type ManagedBy = 'file' | 'api';

export interface BudgetView {
  usd: number;
  period: Budget['period'];
}

/** Times in RFC 3339. */
export interface TenantView {
  id: string;
  name: string;
  active: boolean;
  limits: Limits;
  budget: BudgetView | null;
  /** Null: as long as the setting says. */
  callLogRetentionDays: number | null;
  managedBy: ManagedBy;
  createdAt: string;
  updatedAt: string;
}

export interface Managed {
  managedBy: ManagedBy;
  createdAt: Date;
  updatedAt: Date;
}

export function tenantView(tenant: AdministeredTenant, managed: Managed): TenantView {
  return { ...tenantFields(tenant), ...managedView(managed) };
}

/** What is declared of it. */
export function tenantFields({ id, name, active, limits, budget, callLogRetentionDays }: AdministeredTenant) {
  return { id, name, active, limits, budget: budgetView(budget), callLogRetentionDays: callLogRetentionDays ?? null };
}

export function budgetView(budget: Budget | undefined): BudgetView | null {
  return budget === undefined ? null : { usd: usdFromNano(budget.nanoUsd), period: budget.period };
}

export function managedView({ managedBy, createdAt, updatedAt }: Managed) {
  return { managedBy, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}
