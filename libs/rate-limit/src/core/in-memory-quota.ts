import type {
  ExtensionReply,
  ExtensionRequest,
  KeepingOutcome,
  RateStateRequestV2,
  RateStateV2,
  ReservationReply,
  ReservationRequest,
  ScopeBounds,
  Settlement,
} from '@switchboard/contracts';
import {
  type Held,
  type Orphan,
  ORPHAN_CLAIM_MS,
  ORPHAN_TTL_MS,
  type Quota,
  type QuotaSettings,
  type Reserved,
  type UnknownSpending,
  type Unprimed,
} from './quota';
import { type HeldReservation, QuotaGroup } from './quota-group';
import { obstaclesOf, outputLeft } from './admission';
import { takeUnits } from './rate-bucket';
import { decisive, denialOf, type Rate, rateLimits, RATES, tightest } from './rates';

/** Of a process that hosts all the services; gone with it, as its calls are. Redis does the same in scripts. */
export class InMemoryQuota implements Quota {
  private readonly held = new Map<string, QuotaGroup>();
  private readonly leaseMs: number;
  private readonly now: () => number;

  constructor({ leaseMs, now = Date.now }: QuotaSettings) {
    this.leaseMs = leaseMs;
    this.now = now;
  }

  reserve(request: ReservationRequest): Promise<ReservationReply | Unprimed> {
    const nowMs = this.now();
    const group = this.group(request.group);
    const known = group.reservations.get(request.requestId);
    if (known !== undefined || group.isSettled(request.requestId, nowMs)) {
      return Promise.resolve(granted(group, request.scopes, nowMs, known?.outputTokens ?? 0));
    }
    const budgets = group.unprimed(request);
    if (budgets.length > 0) return Promise.resolve({ outcome: 'unprimed', budgets });
    const outputTokens = Math.min(request.amounts.outputTokens.most, outputLeft(group, request, nowMs));
    const obstacle = decisive(obstaclesOf(group, request, outputTokens, nowMs));
    if (obstacle !== undefined) {
      return Promise.resolve(
        denialOf(obstacle, tightest(request.scopes.map((scope) => group.rateStates(scope, nowMs)))),
      );
    }
    this.take(group, request, outputTokens, nowMs);
    this.keep(group, request, { outputTokens, nanoUsd: request.amounts.nanoUsd }, nowMs);
    return Promise.resolve(granted(group, request.scopes, nowMs, outputTokens));
  }

  extend({ requestId, group: name, nanoUsd }: ExtensionRequest): Promise<ExtensionReply | { outcome: KeepingOutcome }> {
    const group = this.group(name);
    const reservation = group.reservations.get(requestId);
    if (reservation === undefined) return Promise.resolve({ outcome: 'unknown' });
    if (reservation.state === 'orphaned') return Promise.resolve({ outcome: 'orphaned' });
    const charged = group.charged(reservation);
    for (const { scope, budget, money } of charged) {
      if (money.spent + money.held + nanoUsd > budget.nanoUsd) {
        return Promise.resolve({ outcome: 'denied', reason: budget.id, scope });
      }
    }
    for (const { money } of charged) money.held += nanoUsd;
    reservation.nanoUsd += nanoUsd;
    return Promise.resolve({ outcome: 'granted' });
  }

  settle({ requestId, group: name, ...spent }: Settlement): Promise<KeepingOutcome> {
    const nowMs = this.now();
    const group = this.group(name);
    const reservation = group.reservations.get(requestId);
    if (reservation === undefined) {
      if (group.isSettled(requestId, nowMs)) return Promise.resolve('done');
      if (spent.nanoUsd === 0 && spent.inputTokens === 0 && spent.outputTokens === 0)
        group.markSettled(requestId, nowMs);
      return Promise.resolve('unknown');
    }
    const orphaned = reservation.state === 'orphaned';
    for (const { money } of group.charged(reservation)) {
      if (orphaned) money.spent -= reservation.nanoUsd;
      else money.held -= reservation.nanoUsd;
      money.spent += spent.nanoUsd;
    }
    if (!orphaned) this.giveBack(group, reservation, spent, nowMs);
    group.setOpen(reservation.request);
    group.reservations.delete(requestId);
    group.markSettled(requestId, nowMs);
    return Promise.resolve(orphaned ? 'orphaned' : 'done');
  }

  renew({ requestId, group: name }: Reserved): Promise<KeepingOutcome> {
    const group = this.group(name);
    const reservation = group.reservations.get(requestId);
    if (reservation === undefined) return Promise.resolve('unknown');
    if (reservation.state === 'orphaned') return Promise.resolve('orphaned');
    reservation.leaseEndsMs = this.now() + this.leaseMs;
    group.setOpen(reservation.request, reservation.leaseEndsMs);
    return Promise.resolve('done');
  }

  restore(request: ReservationRequest, held: Held): Promise<void> {
    const nowMs = this.now();
    const group = this.group(request.group);
    if (!group.reservations.has(request.requestId) && !group.isSettled(request.requestId, nowMs)) {
      this.keep(group, request, held, nowMs);
    }
    return Promise.resolve();
  }

  state({ group: name, scopes }: RateStateRequestV2): Promise<RateStateV2> {
    const nowMs = this.now();
    const group = this.group(name);
    return Promise.resolve({
      scopes: scopes.map((bounds) => ({
        scope: bounds.scope,
        rates: group.rateStates(bounds, nowMs),
        open: group.openCalls(bounds.scope, nowMs),
        ...(bounds.limits.concurrency !== undefined && { concurrencyLimit: bounds.limits.concurrency }),
        budgets: group.budgetStates(bounds, nowMs),
      })),
    });
  }

  prime({ group: name, scope, id, period, periodStartMs }: UnknownSpending, spentNanoUsd: number): Promise<void> {
    const group = this.group(name);
    const budget = { id, period, nanoUsd: 0 };
    if (group.moneyOf(scope, budget, periodStartMs) !== undefined) return Promise.resolve();
    let held = 0;
    for (const reservation of group.reservations.values()) {
      if (reservation.state === 'open' && rebind(reservation, scope, id, periodStartMs)) held += reservation.nanoUsd;
    }
    group.setMoney(scope, id, { period, periodStartMs, spent: spentNanoUsd, held });
    return Promise.resolve();
  }

  expire(name: string): Promise<Orphan[]> {
    const nowMs = this.now();
    const group = this.group(name);
    const orphans: Orphan[] = [];
    for (const [requestId, reservation] of group.reservations) {
      const { state, request, leaseEndsMs, claimedAtMs } = reservation;
      if (state === 'open' && leaseEndsMs <= nowMs) {
        for (const { money } of group.charged(reservation)) {
          money.held -= reservation.nanoUsd;
          money.spent += reservation.nanoUsd;
        }
        group.setOpen(request);
        if (request.intent === undefined) {
          group.reservations.delete(requestId);
          group.markSettled(requestId, nowMs);
          continue;
        }
      } else if (state === 'open' || claimedAtMs > nowMs - ORPHAN_CLAIM_MS) {
        if (leaseEndsMs <= nowMs - ORPHAN_TTL_MS) group.reservations.delete(requestId);
        continue;
      }
      Object.assign(reservation, { state: 'orphaned', claimedAtMs: nowMs });
      orphans.push({ request, held: { outputTokens: reservation.outputTokens, nanoUsd: reservation.nanoUsd } });
    }
    return Promise.resolve(orphans);
  }

  orphanRecorded(name: string, requestId: string): Promise<void> {
    const reservation = this.group(name).reservations.get(requestId);
    if (reservation?.state === 'orphaned') reservation.claimedAtMs = Infinity;
    return Promise.resolve();
  }

  groups(): Promise<string[]> {
    return Promise.resolve([...this.held.keys()]);
  }

  private group(name: string): QuotaGroup {
    let group = this.held.get(name);
    if (group === undefined) this.held.set(name, (group = new QuotaGroup()));
    return group;
  }

  private take(group: QuotaGroup, { scopes, amounts }: ReservationRequest, outputTokens: number, nowMs: number): void {
    const units = unitsOf(amounts.inputTokens, outputTokens, 1);
    for (const scope of scopes) this.move(group, scope, units, nowMs);
  }

  private giveBack(
    group: QuotaGroup,
    { request, outputTokens }: HeldReservation,
    spent: Pick<Settlement, 'inputTokens' | 'outputTokens'>,
    nowMs: number,
  ): void {
    const input = spent.inputTokens - request.amounts.inputTokens;
    for (const scope of request.scopes) {
      this.move(group, scope, unitsOf(input, spent.outputTokens - outputTokens, 0), nowMs);
    }
  }

  private move(group: QuotaGroup, { scope, limits }: ScopeBounds, units: Record<Rate, number>, nowMs: number): void {
    const perMinute = rateLimits(limits);
    for (const rate of RATES) {
      const limit = perMinute[rate];
      if (limit === undefined) continue;
      group.setBucket(scope, rate, takeUnits(group.bucket(scope, rate, limit, nowMs), units[rate]));
    }
  }

  private keep(group: QuotaGroup, request: ReservationRequest, held: Held, nowMs: number): void {
    const leaseEndsMs = nowMs + this.leaseMs;
    const periodStartsMs: number[] = [];
    for (const { scope, budgets } of request.scopes) {
      for (const budget of budgets) {
        const money = group.moneyOf(scope, budget, request.startedAtMs);
        if (money !== undefined) group.setMoney(scope, budget.id, { ...money, held: money.held + held.nanoUsd });
        periodStartsMs.push(money?.periodStartMs ?? -1);
      }
    }
    group.reservations.set(request.requestId, {
      ...{ state: 'open', request, ...held, leaseEndsMs, periodStartsMs, claimedAtMs: 0 },
    });
    group.setOpen(request, leaseEndsMs);
  }
}

function unitsOf(inputTokens: number, outputTokens: number, requests: number): Record<Rate, number> {
  return { requests, inputTokens, outputTokens, tokens: inputTokens + outputTokens };
}

function granted(
  group: QuotaGroup,
  scopes: readonly ScopeBounds[],
  nowMs: number,
  outputTokens: number,
): ReservationReply {
  return { outcome: 'granted', outputTokens, rates: tightest(scopes.map((scope) => group.rateStates(scope, nowMs))) };
}

/** A call that began in the period counts in it, whatever was known of the budget then. */
function rebind({ request, periodStartsMs }: HeldReservation, scope: string, id: string, startMs: number): boolean {
  if (request.startedAtMs < startMs) return false;
  let index = 0;
  for (const bounds of request.scopes) {
    for (const budget of bounds.budgets) {
      if (bounds.scope === scope && budget.id === id) {
        periodStartsMs[index] = startMs;
        return true;
      }
      index++;
    }
  }
  return false;
}
