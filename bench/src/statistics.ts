/** Middle value; the mean of the middle two for an even count. Throws on no values: a median of nothing is a bug. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('median of no values');
  return (upper + lower) / 2;
}

/**
 * The value that `share` (0 to 1) of the values do not pass: the smallest one of which that is true, so that it is a value
 * that was measured. Throws on no values.
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  if (value === undefined) throw new RangeError('percentile of no values');
  return value;
}

export const round = (value: number, digits: number): number => Number(value.toFixed(digits));

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

/** Median of the differences round by round, for the same reason. */
export function differenceByRound(values: readonly number[], from: readonly number[]): number {
  return median(values.map((value, round) => value - (from[round] ?? Number.NaN)));
}

/** Of the straight line through the points that leaves the least squares: y per x. NaN where all x are alike. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [meanOf(points.map(([x]) => x)), meanOf(points.map(([, y]) => y))];
  const [products, squares] = points.reduce(
    ([sumOfProducts, sumOfSquares], [x, y]) => [
      sumOfProducts + (x - meanX) * (y - meanY),
      sumOfSquares + (x - meanX) ** 2,
    ],
    [0, 0],
  );
  return products / squares;
}

/** To hundredths. */
export function roundRatio({ median: middle, low, high }: Ratio): Ratio {
  return { median: round(middle, 2), low: round(low, 2), high: round(high, 2) };
}
