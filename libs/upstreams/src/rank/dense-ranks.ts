/** What is compared, the weightiest first; lower is better. */
export type RankKeys = readonly number[];

/** In the order of their keys, each with its rank from 0; equals share one, and keep the order they came in. */
export function denseRanks<T>(items: readonly T[], keysOf: (item: T) => RankKeys): { item: T; rank: number }[] {
  const keyed = items.map((item) => ({ item, keys: keysOf(item) }));
  keyed.sort((left, right) => compareKeys(left.keys, right.keys));
  let rank = 0;
  return keyed.map(({ item, keys }, index) => {
    const before = keyed[index - 1];
    if (before !== undefined && compareKeys(before.keys, keys) !== 0) rank++;
    return { item, rank };
  });
}

function compareKeys(left: RankKeys, right: RankKeys): number {
  for (const [index, key] of left.entries()) {
    const other = right[index] ?? 0;
    // Not a difference: infinities differ by NaN, which sorts as nothing does.
    if (key !== other) return key < other ? -1 : 1;
  }
  return 0;
}
