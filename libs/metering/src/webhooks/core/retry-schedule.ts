/** With the pauses between them, a bit more than a day. */
export const ATTEMPTS_MAX = 12;

const FIRST_PAUSE_MS = 10_000;
const PAUSE_MAX_MS = 6 * 3_600_000;
const GROWTH = 3;
/** Part of a pause by which it may be shorter or longer: what failed together is not tried again together. */
const JITTER = 0.2;

/**
 * How long to wait after the attempt of that number, from 1, has failed; undefined: it was the last. `chance`: from 0 to 1.
 */
export function retryPauseMs(attempt: number, chance: number): number | undefined {
  if (attempt >= ATTEMPTS_MAX) return undefined;
  const pauseMs = Math.min(FIRST_PAUSE_MS * GROWTH ** (attempt - 1), PAUSE_MAX_MS);
  return Math.round(pauseMs * (1 + JITTER * (2 * chance - 1)));
}
