import type { PolicyOrder } from '@switchboard/contracts';

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
  const compare = (left: (typeof places)[number], right: (typeof places)[number]): number => {
    for (const criterion of order) {
      // Not a difference: infinities differ by NaN, which sorts as nothing does.
      if (left[criterion] !== right[criterion]) return left[criterion] < right[criterion] ? -1 : 1;
    }
    return 0;
  };
  places.sort(compare);
  let rank = 0;
  places.forEach((place, position) => {
    const before = places[position - 1];
    if (before !== undefined && compare(before, place) !== 0) rank++;
    const found = ranks[place.index];
    if (found === undefined) return;
    if (place.health === 0) found.rank = rank;
    else found.degradedRank = rank;
  });
  return ranks;
}
