/** Something that was sent at a moment, and whether it is of the kind that is counted. */
export interface Mark {
  /** Milliseconds, of any clock. */
  atMs: number;
  counts: boolean;
}

/** What every window has to hold, from some moment on. */
export interface Steadiness {
  windowMs: number;
  /** Told the part, from 0 to 1, of a window's marks that count. */
  holds: (share: number) => boolean;
}

/** Windows begin so far apart: that is how exact the answers are. */
export const STEP_MS = 100;

/**
 * From when on, after `fromMs`, every window up to `toMs` holds: a window that holds by chance, before others that do not, is
 * not it. A window without marks says nothing, and holds.
 *
 * @returns milliseconds after `fromMs`, in whole steps; undefined: the last window, or there is none, does not hold.
 */
export function steadyAfterMs(
  marks: readonly Mark[],
  fromMs: number,
  toMs: number,
  { windowMs, holds }: Steadiness,
): number | undefined {
  const steps = Math.floor((toMs - fromMs) / STEP_MS);
  const perWindow = Math.round(windowMs / STEP_MS);
  const sent = new Array<number>(Math.max(steps, 0)).fill(0);
  const counted = [...sent];
  for (const { atMs, counts } of marks) {
    const step = Math.floor((atMs - fromMs) / STEP_MS);
    if (step < 0 || step >= steps) continue;
    sent[step] = (sent[step] ?? 0) + 1;
    if (counts) counted[step] = (counted[step] ?? 0) + 1;
  }
  let found: number | undefined;
  for (let first = steps - perWindow; first >= 0; first--) {
    const total = sum(sent, first, perWindow);
    if (total > 0 && !holds(sum(counted, first, perWindow) / total)) break;
    found = first * STEP_MS;
  }
  return found;
}

/** The part, from 0 to 1, of the marks in [fromMs, toMs) that count; 0 where there are none. */
export function shareOf(marks: readonly Mark[], fromMs: number, toMs: number): number {
  const within = marks.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  return within.length === 0 ? 0 : within.filter(({ counts }) => counts).length / within.length;
}

/** The value that `share` (0 to 1) of the values do not pass; undefined of none. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

function sum(values: readonly number[], first: number, count: number): number {
  let total = 0;
  for (let index = first; index < first + count; index++) total += values[index] ?? 0;
  return total;
}
