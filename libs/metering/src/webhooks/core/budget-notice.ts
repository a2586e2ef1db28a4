import {
  type BudgetNotice,
  type BudgetPeriodStartedV1,
  type BudgetThresholdReachedV1,
  decimalUsd,
  periodEndMs,
  type WebhookEventType,
} from '@switchboard/contracts';
import type { BudgetState } from './budget-progress';

/** Whose budget it is, and which. */
export interface BudgetOwner {
  /** `tenant:<id>`, `key:<id>`. */
  scope: string;
  budget: BudgetNotice['budget'];
  owner: BudgetNotice['owner'];
  id: string;
  tenantId: string;
  name: string;
}

/** An event that is yet to be told. */
export interface Notice {
  id: string;
  type: WebhookEventType;
  tenantId: string;
  /** What it is about: no two events have the same. */
  occasion: string;
  /** The event as JSON. */
  body: string;
}

interface Stamp {
  /** Of the event. */
  id: string;
  nowMs: number;
}

export function thresholdReached(
  owner: BudgetOwner,
  state: BudgetState,
  thresholdPercent: number,
  { id, nowMs }: Stamp,
): Notice {
  const event: BudgetThresholdReachedV1 = {
    ...{ id, type: 'budget.threshold_reached', createdAt: instant(nowMs) },
    data: { ...noticeOf(owner, state), thresholdPercent },
  };
  const occasion = `threshold:${occasionOf(owner, state)}:${state.budgetNanoUsd}:${thresholdPercent}`;
  return { id, type: event.type, tenantId: owner.tenantId, occasion, body: JSON.stringify(event) };
}

/** `previous`: the period before, with all that was spent in it. */
export function periodStarted(
  owner: BudgetOwner,
  state: BudgetState,
  previous: BudgetState,
  { id, nowMs }: Stamp,
): Notice {
  const event: BudgetPeriodStartedV1 = {
    ...{ id, type: 'budget.period_started', createdAt: instant(nowMs) },
    data: {
      ...noticeOf(owner, state),
      previous: {
        periodStart: instant(previous.periodStartMs),
        periodEnd: instant(periodEndMs(previous.period, previous.periodStartMs) ?? state.periodStartMs),
        ...{ spentUsd: decimalUsd(previous.spentNanoUsd), spentNanoUsd: String(previous.spentNanoUsd) },
      },
    },
  };
  const occasion = `period:${occasionOf(owner, state)}`;
  return { id, type: event.type, tenantId: owner.tenantId, occasion, body: JSON.stringify(event) };
}

function noticeOf({ owner, id, tenantId, name, budget }: BudgetOwner, state: BudgetState): BudgetNotice {
  const { period, periodStartMs, budgetNanoUsd, spentNanoUsd } = state;
  const endMs = periodEndMs(period, periodStartMs);
  return {
    ...{ owner, id, tenant: tenantId, name, budget, period },
    periodStart: period === 'total' ? null : instant(periodStartMs),
    periodEnd: endMs === undefined ? null : instant(endMs),
    ...{ budgetUsd: decimalUsd(budgetNanoUsd), budgetNanoUsd: String(budgetNanoUsd) },
    ...{ spentUsd: decimalUsd(spentNanoUsd), spentNanoUsd: String(spentNanoUsd) },
  };
}

function occasionOf({ scope, budget }: BudgetOwner, { period, periodStartMs }: BudgetState): string {
  return `${scope}:${budget}:${period}:${instant(periodStartMs)}`;
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
