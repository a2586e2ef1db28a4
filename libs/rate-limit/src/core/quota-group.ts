import {
  type BudgetState,
  periodStartMs,
  type RateState,
  type RateStates,
  type ReservationRequest,
  type ScopeBounds,
  type ScopeBudget,
} from '@switchboard/contracts';
import { SETTLED_TTL_MS, type UnknownSpending } from './quota';
import { debtAt, rateState, type RateBucket } from './rate-bucket';
import { type Rate, rateLimits, RATES } from './rates';

export interface Money {
  period: ScopeBudget['period'];
  periodStartMs: number;
  spent: number;
  held: number;
}

export interface Charge {
  scope: string;
  budget: ScopeBudget;
  money: Money;
}

export interface HeldReservation {
  state: 'open' | 'orphaned';
  request: ReservationRequest;
  outputTokens: number;
  nanoUsd: number;
  leaseEndsMs: number;
  /** In which period each budget is charged, scope by scope. */
  periodStartsMs: number[];
  /** When somebody last took it to record it. */
  claimedAtMs: number;
}

const EMPTY_BUCKET: RateBucket = { debt: 0, atMs: 0 };

/** All the state of one group. */
export class QuotaGroup {
  readonly reservations = new Map<string, HeldReservation>();
  private readonly buckets = new Map<string, RateBucket>();
  /** By scope: when the lease of each open call ends, the first to end first. */
  private readonly open = new Map<string, Map<string, number>>();
  private readonly money = new Map<string, Money>();
  /** Until when; all are remembered equally long, so the first is the first to be forgotten. */
  private readonly settled = new Map<string, number>();

  isSettled(requestId: string, nowMs: number): boolean {
    for (const [first, untilMs] of this.settled) {
      if (untilMs > nowMs) break;
      this.settled.delete(first);
    }
    return this.settled.has(requestId);
  }

  markSettled(requestId: string, nowMs: number): void {
    this.settled.delete(requestId);
    this.settled.set(requestId, nowMs + SETTLED_TTL_MS);
  }

  bucket(scope: string, rate: Rate, limit: number, nowMs: number): RateBucket {
    return debtAt(this.buckets.get(`${rate} ${scope}`) ?? EMPTY_BUCKET, limit, nowMs);
  }

  setBucket(scope: string, rate: Rate, bucket: RateBucket): void {
    this.buckets.set(`${rate} ${scope}`, bucket);
  }

  /** `leaseEndsMs` absent: no longer open. */
  setOpen({ requestId, scopes }: Pick<ReservationRequest, 'requestId' | 'scopes'>, leaseEndsMs?: number): void {
    for (const { scope } of scopes) {
      const calls = this.open.get(scope) ?? new Map<string, number>();
      this.open.set(scope, calls);
      calls.delete(requestId);
      if (leaseEndsMs !== undefined) calls.set(requestId, leaseEndsMs);
    }
  }

  openCalls(scope: string, nowMs: number): number {
    const calls = this.open.get(scope);
    if (calls === undefined) return 0;
    for (const [requestId, leaseEndsMs] of calls) {
      if (leaseEndsMs > nowMs) break;
      calls.delete(requestId);
    }
    return calls.size;
  }

  /** In the period of `atMs` where that is later than the one it was kept in. Undefined: what was spent is not known. */
  moneyOf(scope: string, { id, period }: ScopeBudget, atMs: number): Money | undefined {
    const money = this.money.get(`${id} ${scope}`);
    if (money === undefined || money.period !== period) return undefined;
    const startMs = periodStartMs(period, atMs);
    return startMs > money.periodStartMs ? { period, periodStartMs: startMs, spent: 0, held: 0 } : money;
  }

  /** The budgets that still are in the period in which the reservation counts. */
  charged({ request, periodStartsMs }: HeldReservation): Charge[] {
    let index = 0;
    return request.scopes.flatMap(({ scope, budgets }) =>
      budgets.flatMap((budget) => {
        const startMs = periodStartsMs[index++];
        const money = this.money.get(`${budget.id} ${scope}`);
        const current = money?.period === budget.period && money.periodStartMs === startMs;
        return current ? [{ scope, budget, money }] : [];
      }),
    );
  }

  setMoney(scope: string, id: ScopeBudget['id'], money: Money): void {
    this.money.set(`${id} ${scope}`, money);
  }

  unprimed({ group, scopes, startedAtMs }: ReservationRequest): UnknownSpending[] {
    return scopes.flatMap(({ scope, budgets }) =>
      budgets
        .filter((budget) => this.moneyOf(scope, budget, startedAtMs) === undefined)
        .map(({ id, period }) => ({
          ...{ group, scope, id, period },
          periodStartMs: periodStartMs(period, startedAtMs),
        })),
    );
  }

  rateStates({ scope, limits }: ScopeBounds, nowMs: number): RateStates {
    const states: RateStates = {};
    const perMinute = rateLimits(limits);
    for (const rate of RATES) {
      const limit = perMinute[rate];
      if (limit !== undefined) states[rate] = this.rateState(scope, rate, limit, nowMs);
    }
    return states;
  }

  budgetStates({ scope, budgets }: ScopeBounds, atMs: number): BudgetState[] {
    return budgets.flatMap((budget) => {
      const money = this.moneyOf(scope, budget, atMs);
      return money === undefined ? [] : [budgetState(budget, money)];
    });
  }

  private rateState(scope: string, rate: Rate, limit: number, nowMs: number): RateState {
    return rateState(this.bucket(scope, rate, limit, nowMs), limit);
  }
}

export function budgetState(budget: ScopeBudget, money: Money): BudgetState {
  return {
    ...budget,
    spentNanoUsd: money.spent,
    heldNanoUsd: money.held,
    periodStartMs: money.periodStartMs,
  };
}
