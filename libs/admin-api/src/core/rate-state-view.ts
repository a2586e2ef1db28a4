import {
  type Budget,
  type BudgetState,
  decimalUsd,
  type RateState,
  type RateStateV2,
  type ScopeBounds,
  type ScopeBudget,
  type ScopeState,
} from '@switchboard/contracts';

/** The limiter's counters of a key, and of its tenant with all its keys. */
export interface RateStateView {
  key: ScopeStateView;
  tenant: ScopeStateView;
}

/** Null: not limited. */
export interface ScopeStateView {
  /** Calls admitted and not yet settled. */
  open: number;
  concurrency: { limit: number; open: number } | null;
  requests: RateView | null;
  inputTokens: RateView | null;
  outputTokens: RateView | null;
  budgets: BudgetStateView[];
}

export interface RateView {
  /** Per minute. */
  limit: number;
  remaining: number;
  /** Until `remaining` is `limit` again, if nothing more is taken. */
  resetSeconds: number;
}

/** Amounts in USD with nine decimals, exact. */
export interface BudgetStateView {
  id: ScopeBudget['id'];
  period: Budget['period'];
  limitUsd: string;
  /** Whether the limiter knows what was spent; if not, it reads that when the next call asks, and what follows is null. */
  known: boolean;
  spentUsd: string | null;
  /** Set aside for open calls. */
  heldUsd: string | null;
  /** Neither spent nor held; below zero where calls came to more than was set aside for them. */
  remainingUsd: string | null;
  /** RFC 3339; null of `total` too, which began with the first call. */
  periodStart: string | null;
}

/** `bounds`: what the limiter was asked of. */
export function rateStateView(bounds: Record<keyof RateStateView, ScopeBounds>, state: RateStateV2): RateStateView {
  return { key: scopeView(bounds.key, state), tenant: scopeView(bounds.tenant, state) };
}

function scopeView({ scope, budgets }: ScopeBounds, { scopes }: RateStateV2): ScopeStateView {
  const state = scopes.find((one) => one.scope === scope);
  if (state === undefined) throw new Error(`the limiter was asked of ${scope} and left it out`);
  const { open, concurrencyLimit, rates } = state;
  return {
    open,
    concurrency: concurrencyLimit === undefined ? null : { limit: concurrencyLimit, open },
    requests: rateView(rates.requests),
    inputTokens: rateView(rates.inputTokens),
    outputTokens: rateView(rates.outputTokens),
    budgets: budgets.map((budget) => budgetStateView(budget, state)),
  };
}

function rateView(rate: RateState | undefined): RateView | null {
  if (rate === undefined) return null;
  const { limit, remaining, resetMs } = rate;
  return { limit, remaining, resetSeconds: resetMs / 1000 };
}

function budgetStateView({ id, nanoUsd, period }: ScopeBudget, { budgets }: ScopeState): BudgetStateView {
  const known = budgets.find((one) => one.id === id);
  return { id, period, limitUsd: decimalUsd(BigInt(nanoUsd)), known: known !== undefined, ...spending(nanoUsd, known) };
}

function spending(limitNanoUsd: number, state: BudgetState | undefined) {
  if (state === undefined) return { spentUsd: null, heldUsd: null, remainingUsd: null, periodStart: null };
  const [spent, held] = [BigInt(state.spentNanoUsd), BigInt(state.heldNanoUsd)];
  return {
    ...{ spentUsd: decimalUsd(spent), heldUsd: decimalUsd(held) },
    remainingUsd: decimalUsd(BigInt(limitNanoUsd) - spent - held),
    periodStart: state.period === 'total' ? null : new Date(state.periodStartMs).toISOString(),
  };
}
