/** Middle value; the mean of the middle two for an even count. Throws on no values: a median of nothing is a bug. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('median of no values');
  return (upper + lower) / 2;
}

export interface Ratio {
  /** Median of the ratios round by round. */
  median: number;
  /** Smallest and largest of them: the noise a reader has to allow for. */
  low: number;
  high: number;
}

/**
 * How much dearer `values` are than `baseline`, both in the order of the rounds. Each is divided by its neighbour in time,
 * so that a machine that slows down in the middle of a run changes both sides of a ratio, and not the ratio.
 */
export function ratioByRound(values: readonly number[], baseline: readonly number[]): Ratio {
  if (values.length !== baseline.length) throw new RangeError('every round needs its baseline');
  const ratios = values.map((value, round) => value / (baseline[round] ?? Number.NaN));
  return { median: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) };
}
