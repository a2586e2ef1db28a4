import type { NanoUsd, UpstreamState } from '@switchboard/contracts';
import { denseRanks } from './dense-ranks';
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
  const ordered = denseRanks(upstreams, ({ state, tier, ownCost }) => [STATE_ORDER[state], tier, ownCost]);
  return ordered.map(({ item }) => item);
}
