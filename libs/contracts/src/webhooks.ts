import type { Budget } from './keys';

/** What a webhook may be told of. */
export const WEBHOOK_EVENT_TYPES = ['budget.threshold_reached', 'budget.period_started'] as const;
export type WebhookEventType = (typeof WEBHOOK_EVENT_TYPES)[number];

/** Percent of a budget; that each was reached is told once per period. */
export const BUDGET_THRESHOLDS_PERCENT = [50, 80, 100] as const;

/** What is posted. The same `id` is the same event, however often it comes. */
export interface WebhookEvent<Type extends string = string, Data extends object = object> {
  /** `evt_<uuid>`. */
  id: string;
  type: Type;
  /** RFC 3339, as all times here. */
  createdAt: string;
  data: Data;
}

/** A budget, of a tenant or a key, in one of its periods. USD with nine decimals and nano-USD in digits, both exact. */
export interface BudgetNotice {
  /** Whose budget it is. */
  owner: 'tenant' | 'key';
  id: string;
  tenant: string;
  name: string;
  /** `credits`: what the tenant paid in advance, all of it; its period is `total`. */
  budget: 'budget' | 'credits';
  period: Budget['period'];
  /** Null, as the end, of `total`. */
  periodStart: string | null;
  periodEnd: string | null;
  budgetUsd: string;
  budgetNanoUsd: string;
  spentUsd: string;
  spentNanoUsd: string;
}

export type BudgetThresholdReachedV1 = WebhookEvent<
  'budget.threshold_reached',
  BudgetNotice & { thresholdPercent: number }
>;

/** Of a budget in whose previous period something was spent; `previous` is the last period that was seen. */
export type BudgetPeriodStartedV1 = WebhookEvent<
  'budget.period_started',
  BudgetNotice & { previous: { periodStart: string; periodEnd: string; spentUsd: string; spentNanoUsd: string } }
>;

/** Asked for by hand. */
export type WebhookTestV1 = WebhookEvent<'webhook.test', { webhook: string }>;
