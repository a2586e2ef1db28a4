import { CircuitBreaker } from './core/circuit-breaker';
import type { Quota } from './core/quota';

/**
 * The same quota, each operation bounded in time, and all of them failing at once while the store does not answer. What
 * failed may have been done all the same.
 */
export function guardQuota(quota: Quota, timeoutMs: number): Quota {
  const breaker = new CircuitBreaker({ timeoutMs });
  return {
    reserve: (request) => breaker.run(() => quota.reserve(request)),
    extend: (request) => breaker.run(() => quota.extend(request)),
    settle: (settlement) => breaker.run(() => quota.settle(settlement)),
    renew: (reserved) => breaker.run(() => quota.renew(reserved)),
    restore: (request, held) => breaker.run(() => quota.restore(request, held)),
    state: (request) => breaker.run(() => quota.state(request)),
    prime: (budget, spentNanoUsd) => breaker.run(() => quota.prime(budget, spentNanoUsd)),
    // Nobody waits for these.
    expire: (group) => quota.expire(group),
    orphanRecorded: (group, requestId) => quota.orphanRecorded(group, requestId),
    groups: () => quota.groups(),
  };
}
