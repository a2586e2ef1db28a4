import type { ReservationRequest, ScopeBounds } from '@switchboard/contracts';
import { WAIT_FOR_OTHERS_MS } from './quota';
import { budgetState, type QuotaGroup } from './quota-group';
import { unitsLeft, waitMs } from './rate-bucket';
import { type Obstacle, type Rate, rateLimits } from './rates';

/** Output tokens that no scope is short of; Infinity where none is limited. */
export function outputLeft(group: QuotaGroup, { scopes, amounts }: ReservationRequest, nowMs: number): number {
  let left = Infinity;
  for (const { scope, limits } of scopes) {
    const { otpm, tpm } = limits;
    if (otpm !== undefined) left = Math.min(left, unitsLeft(group.bucket(scope, 'outputTokens', otpm, nowMs), otpm));
    if (tpm === undefined) continue;
    const tokens = unitsLeft(group.bucket(scope, 'tokens', tpm, nowMs), tpm);
    left = Math.min(left, Math.max(0, tokens - amounts.inputTokens));
  }
  return left;
}

/** Everything that stands against the call, scope by scope. */
export function obstaclesOf(
  group: QuotaGroup,
  request: ReservationRequest,
  outputTokens: number,
  nowMs: number,
): Obstacle[] {
  return request.scopes.flatMap((bounds) => [
    ...rateObstacles(group, request, bounds, outputTokens, nowMs),
    ...concurrencyObstacles(group, bounds, nowMs),
    ...budgetObstacles(group, request, bounds),
  ]);
}

function rateObstacles(
  group: QuotaGroup,
  { amounts: { inputTokens, outputTokens } }: ReservationRequest,
  { scope, limits }: ScopeBounds,
  grantable: number,
  nowMs: number,
): Obstacle[] {
  const perMinute = rateLimits(limits);
  const obstacles: Obstacle[] = [];
  const meet = (rate: Rate, units: number): void => {
    const limit = perMinute[rate];
    if (limit === undefined) return;
    const wait = waitMs(group.bucket(scope, rate, limit, nowMs), limit, units);
    if (wait > 0) obstacles.push({ scope, reason: rate, waitMs: wait, limit });
  };
  meet('requests', 1);
  meet('inputTokens', inputTokens);
  if (grantable >= outputTokens.least) return obstacles;
  meet('outputTokens', outputTokens.least);
  meet('tokens', inputTokens + outputTokens.least);
  return obstacles;
}

function concurrencyObstacles(group: QuotaGroup, { scope, limits }: ScopeBounds, nowMs: number): Obstacle[] {
  const { concurrency: limit } = limits;
  if (limit === undefined || group.openCalls(scope, nowMs) < limit) return [];
  return [{ scope, reason: 'concurrency', waitMs: WAIT_FOR_OTHERS_MS, limit }];
}

function budgetObstacles(group: QuotaGroup, request: ReservationRequest, { scope, budgets }: ScopeBounds): Obstacle[] {
  const { nanoUsd } = request.amounts;
  return budgets.flatMap((budget): Obstacle[] => {
    const money = group.moneyOf(scope, budget, request.startedAtMs);
    if (money === undefined || money.spent + money.held + nanoUsd <= budget.nanoUsd) return [];
    const gone = money.spent + nanoUsd > budget.nanoUsd;
    return [
      {
        ...{ scope, reason: gone ? budget.id : 'held', budget: budgetState(budget, money) },
        waitMs: gone ? Infinity : WAIT_FOR_OTHERS_MS,
      },
    ];
  });
}
