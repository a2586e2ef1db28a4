import type { PolicyOrder } from '@switchboard/contracts';
import { denseRanks } from './dense-ranks';

/** What a policy compares; lower is better. */
export interface Compared {
  tier: number;
  price: number;
}

/** Places in a list; equals share one. */
export interface Ranks {
  /** While it is healthy. */
  rank: number;
  /** While it is degraded. */
  degradedRank: number;
}

/** Of each, by a policy; what the policy does not name makes no difference. */
export function ranksOf(compared: readonly Compared[], order: readonly PolicyOrder[]): Ranks[] {
  const ranks = compared.map((): Ranks => ({ rank: 0, degradedRank: 0 }));
  const places = compared.flatMap((each, index) => [
    { ...each, index, health: 0 },
    { ...each, index, health: 1 },
  ]);
  for (const { item, rank } of denseRanks(places, (place) => order.map((criterion) => place[criterion]))) {
    const found = ranks[item.index];
    if (found !== undefined) found[item.health === 0 ? 'rank' : 'degradedRank'] = rank;
  }
  return ranks;
}
