import type { RateState } from '@switchboard/contracts';

const MINUTE_MS = 60_000;

/**
 * A token bucket, kept as what is missing in it: `debt`, in units times 60,000, so that it shrinks by `limit` every
 * millisecond and every figure is a whole number. (GCRA's arrival time is `atMs + debt / limit`.)
 */
export interface RateBucket {
  debt: number;
  atMs: number;
}

export function debtAt({ debt, atMs }: RateBucket, limit: number, nowMs: number): RateBucket {
  const elapsedMs = Math.max(0, nowMs - atMs);
  return { debt: Math.max(0, debt - limit * elapsedMs), atMs: Math.max(atMs, nowMs) };
}

/** Takes `units`, or gives them back where negative. */
export function takeUnits({ debt, atMs }: RateBucket, units: number): RateBucket {
  return { debt: Math.max(0, debt + units * MINUTE_MS), atMs };
}

/** What could be taken at once. */
export function unitsLeft({ debt }: RateBucket, limit: number): number {
  return Math.max(0, Math.floor((limit * MINUTE_MS - debt) / MINUTE_MS));
}

/** Until `units` are there; 0: they are; Infinity: they never will be. */
export function waitMs({ debt }: RateBucket, limit: number, units: number): number {
  if (units > limit) return Infinity;
  return Math.max(0, Math.ceil((debt + units * MINUTE_MS - limit * MINUTE_MS) / limit));
}

export function rateState(bucket: RateBucket, limit: number): RateState {
  return {
    limit,
    remaining: unitsLeft(bucket, limit),
    resetMs: limit === 0 ? 0 : Math.ceil(bucket.debt / limit),
  };
}
