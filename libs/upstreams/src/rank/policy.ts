import type { NanoUsd, PolicyOrder, RoutedPolicyV2, UpstreamState } from '@switchboard/contracts';
import { denseRanks, type RankKeys } from './dense-ranks';

export type PolicyName = RoutedPolicyV2['policy'];

export const POLICY_NAMES: readonly PolicyName[] = ['auto', 'auto:cheapest', 'auto:fastest'];

export function isPolicyName(name: string): name is PolicyName {
  return (POLICY_NAMES as readonly string[]).includes(name);
}

/** What policies compare. */
export interface PolicyStanding {
  /** Infinity: nothing can reach it. */
  tier: number;
  state: UpstreamState;
  /** Of a call as usual there, at the tenant's price. */
  cost: NanoUsd;
  /** Until a reply as usual there is whole; undefined: not measured. */
  seconds: number | undefined;
}

/** The healthiest first. */
export const STATE_ORDER: Readonly<Record<UpstreamState, number>> = {
  healthy: 0,
  degraded: 1,
  'half-open': 2,
  open: 3,
};

/** Less of a difference in speed is none: the fastest would otherwise take all the load, and be it no more. */
const SAME_SPEED = 1.1;

/**
 * Best first, each with its rank; equals share one, in the order they came in. `order` is that of `auto`; the other two
 * ask for what they are called after, of those that are as healthy.
 */
export function rankByPolicy<T extends PolicyStanding>(
  policy: PolicyName,
  order: readonly PolicyOrder[],
  candidates: readonly T[],
): { candidate: T; rank: number }[] {
  const speeds = policy === 'auto:fastest' ? speedsOf(candidates) : undefined;
  const ranked = denseRanks(candidates, (candidate) =>
    keysOf(policy, order, { ...candidate, seconds: speeds?.get(candidate) }),
  );
  return ranked.map(({ item: candidate, rank }) => ({ candidate, rank }));
}

function keysOf(
  policy: PolicyName,
  order: readonly PolicyOrder[],
  { tier, state, cost, seconds }: PolicyStanding,
): RankKeys {
  const health = STATE_ORDER[state];
  switch (policy) {
    case 'auto':
      return [
        // Wherever health stands in the order: one that is not tried serves nobody.
        state === 'open' ? 1 : 0,
        ...order.map((criterion) => ({ tier, health, price: cost })[criterion]),
      ];
    case 'auto:cheapest':
      return [health, cost, tier];
    case 'auto:fastest':
      // Until any is measured, the tier says whether an upstream is near.
      if (seconds === undefined) return [health, 1, tier, cost];
      return [health, 0, seconds, 0];
  }
}

/**
 * Of several as fast, seconds of the fastest; of those not measured that can be reached, of the fastest of all: what gets
 * no calls would never be measured. Empty: none is.
 */
function speedsOf<T extends PolicyStanding>(candidates: readonly T[]): Map<T, number> {
  const measured = candidates.flatMap((candidate) =>
    candidate.seconds === undefined ? [] : [{ candidate, seconds: candidate.seconds }],
  );
  measured.sort((left, right) => left.seconds - right.seconds);
  const speeds = new Map<T, number>();
  let fastest = 0;
  for (const { candidate, seconds } of measured) {
    if (seconds > fastest * SAME_SPEED) fastest = seconds;
    speeds.set(candidate, fastest);
  }
  const [first] = measured;
  if (first === undefined) return speeds;
  for (const candidate of candidates) {
    if (candidate.seconds === undefined && Number.isFinite(candidate.tier)) speeds.set(candidate, first.seconds);
  }
  return speeds;
}
