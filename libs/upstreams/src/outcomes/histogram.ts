import type { HistogramV1 } from '@switchboard/contracts';

const RATIO_LOG = Math.log(1.2);

/** Index of a duration; see HistogramV1. */
export function bucketOf(ms: number): number {
  return ms <= 1 ? 0 : Math.ceil(Math.log(ms) / RATIO_LOG);
}

/** Adds one duration. */
export function observe(histogram: HistogramV1, ms: number): void {
  const bucket = bucketOf(ms);
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
}

/** Adds all of `other`. */
export function addHistogram(histogram: HistogramV1, other: HistogramV1): void {
  for (const bucket in other) {
    histogram[bucket] = (histogram[bucket] ?? 0) + (other[bucket] ?? 0);
  }
}

export function countOf(histogram: HistogramV1): number {
  let count = 0;
  for (const bucket in histogram) count += histogram[bucket] ?? 0;
  return count;
}

/** Milliseconds, at most a fifth too much; undefined: there are none. `q`: 0 to 1. */
export function quantile(histogram: HistogramV1, q: number): number | undefined {
  const total = countOf(histogram);
  if (total === 0) return undefined;
  let left = Math.max(1, Math.ceil(q * total));
  // Integer keys of an object come in ascending order.
  for (const bucket in histogram) {
    left -= histogram[bucket] ?? 0;
    if (left <= 0) return Math.exp(Number(bucket) * RATIO_LOG);
  }
  return undefined;
}
