import { type Budget, BUDGET_THRESHOLDS_PERCENT } from '@switchboard/contracts';

/** A budget as it stood at one look. */
export interface BudgetState {
  period: Budget['period'];
  /** 0 for `total`. */
  periodStartMs: number;
  budgetNanoUsd: bigint;
  spentNanoUsd: bigint;
}

export interface WatchedBudget extends BudgetState {
  /** Thresholds in percent, ascending, that need not be told of any more. */
  reached: readonly number[];
}

export interface Progress {
  reached: number[];
  /** Reached since the last look. */
  crossed: number[];
}

/**
 * What of a budget is news since the last look. A new period arms all thresholds again; another amount those that it put
 * ahead again. Spending that goes down, by a correction, arms none: it would be told twice.
 */
export function progressOf(before: WatchedBudget, now: BudgetState): Progress {
  const known = isSamePeriod(before, now) ? before.reached : [];
  // By what was spent then: both may have grown since.
  const then = { ...now, spentNanoUsd: before.spentNanoUsd };
  const isTold = (percent: number): boolean => isReached(then, percent);
  const told = before.budgetNanoUsd === now.budgetNanoUsd ? known : known.filter(isTold);
  const crossed = BUDGET_THRESHOLDS_PERCENT.filter((percent) => isReached(now, percent) && !told.includes(percent));
  return { crossed, reached: [...told, ...crossed].sort((left, right) => left - right) };
}

/** Whether one period of the budget has given way to a later one. */
export function isRenewed(before: BudgetState, now: BudgetState): boolean {
  return before.period === now.period && before.periodStartMs < now.periodStartMs;
}

function isSamePeriod(before: BudgetState, now: BudgetState): boolean {
  return before.period === now.period && before.periodStartMs === now.periodStartMs;
}

/** A budget of nothing has no thresholds: all of it is spent before anything is. */
function isReached({ budgetNanoUsd, spentNanoUsd }: BudgetState, percent: number): boolean {
  return budgetNanoUsd > 0n && spentNanoUsd * 100n >= budgetNanoUsd * BigInt(percent);
}
