import type {
  BudgetState,
  DenialReason,
  ExtensionReply,
  KeepingOutcome,
  RateStates,
  ReservationReply,
  ReservationRequest,
  ScopeBounds,
  ScopeBudget,
  ScopeState,
} from '@switchboard/contracts';
import type { UnknownSpending, Unprimed } from '../core/quota';
import { denialOf, rateLimits, RATES, tightest } from '../core/rates';

/** Scripts answer in flat arrays of whole numbers. */
class Reader {
  private position = 0;

  constructor(private readonly numbers: readonly number[]) {}

  next(): number {
    const number = this.numbers[this.position++];
    if (typeof number !== 'number') throw new Error('a script answered less than it should');
    return number;
  }

  rates({ limits }: ScopeBounds): RateStates {
    const states: RateStates = {};
    const perMinute = rateLimits(limits);
    for (const rate of RATES) {
      const limit = perMinute[rate];
      if (limit !== undefined) states[rate] = { limit, remaining: this.next(), resetMs: this.next() };
    }
    return states;
  }

  tightest(scopes: readonly ScopeBounds[]): RateStates {
    return tightest(scopes.map((bounds) => this.rates(bounds)));
  }
}

export function readReservation(
  { scopes }: ReservationRequest,
  budgets: readonly UnknownSpending[],
  numbers: number[],
): ReservationReply | Unprimed {
  const reader = new Reader(numbers);
  switch (reader.next()) {
    case 1:
      return { outcome: 'granted', outputTokens: reader.next(), rates: reader.tightest(scopes) };
    case 2:
      return { outcome: 'unprimed', budgets: numbers.slice(1).flatMap((index) => budgets[index - 1] ?? []) };
    default:
      return readDenial(scopes, reader);
  }
}

function readDenial(scopes: readonly ScopeBounds[], reader: Reader): ReservationReply {
  const bounds = scopes[reader.next() - 1];
  if (bounds === undefined) throw new Error('a script named a scope that was not given');
  const reason = reader.next();
  const wait = reader.next();
  const money = { spentNanoUsd: reader.next(), heldNanoUsd: reader.next(), periodStartMs: reader.next() };
  const obstacle = { scope: bounds.scope, waitMs: wait === -1 ? Infinity : wait };
  return denialOf({ ...obstacle, ...met(bounds, reason, money) }, reader.tightest(scopes));
}

function met(
  { limits, budgets }: ScopeBounds,
  reason: number,
  money: Omit<BudgetState, keyof ScopeBudget>,
): { reason: DenialReason; limit?: number; budget?: BudgetState } {
  if (reason > 10) {
    const budget = budgets[(reason % 10) - 1];
    if (budget === undefined) throw new Error('a script named a budget that was not given');
    return { reason: reason > 20 ? 'held' : budget.id, budget: { ...budget, ...money } };
  }
  const rate = RATES[reason - 1];
  const limit = rate === undefined ? limits.concurrency : rateLimits(limits)[rate];
  return { reason: rate ?? 'concurrency', ...(limit !== undefined && { limit }) };
}

export function readScopeStates(scopes: readonly ScopeBounds[], numbers: number[]): ScopeState[] {
  const reader = new Reader(numbers);
  return scopes.map((bounds) => ({
    scope: bounds.scope,
    open: reader.next(),
    rates: reader.rates(bounds),
    ...(bounds.limits.concurrency !== undefined && { concurrencyLimit: bounds.limits.concurrency }),
    budgets: bounds.budgets.flatMap((budget) => {
      const known = reader.next() === 1;
      const money = { spentNanoUsd: reader.next(), heldNanoUsd: reader.next(), periodStartMs: reader.next() };
      return known ? [{ ...budget, ...money }] : [];
    }),
  }));
}

export function readExtension(
  scopes: readonly { scope: string; budgets: ScopeBudget['id'][] }[],
  [outcome, scope, index]: [string, number?, number?],
): ExtensionReply | { outcome: KeepingOutcome } {
  if (outcome === 'granted') return { outcome };
  if (outcome !== 'denied') return { outcome: outcome as KeepingOutcome };
  const reason = scopes.flatMap(({ budgets }) => budgets)[(index ?? 0) - 1];
  const denied = scopes[(scope ?? 0) - 1];
  if (reason === undefined || denied === undefined) throw new Error('a script named a budget that was not given');
  return { outcome, reason, scope: denied.scope };
}
