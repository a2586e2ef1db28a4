import type { NanoUsd, UpstreamState } from '@switchboard/contracts';
import { STATE_ORDER } from './policy';

/** What is compared among the upstreams of one model. */
export interface UpstreamStanding {
  state: UpstreamState;
  tier: number;
  /** Of a call as usual there, at what we pay. */
  ownCost: NanoUsd;
}

/** Best first: by state, then tier, then what we pay; of equals the order stays. */
export function orderUpstreams<T extends UpstreamStanding>(upstreams: readonly T[]): T[] {
  return [...upstreams].sort(
    (left, right) =>
      STATE_ORDER[left.state] - STATE_ORDER[right.state] ||
      compare(left.tier, right.tier) ||
      compare(left.ownCost, right.ownCost),
  );
}

function compare(left: number, right: number): number {
  return left === right ? 0 : left < right ? -1 : 1;
}
