/** A month of UTC by its first day: `2026-11-01`. */
export type Month = string;

/** The month that `nowMs` is in, or one `offset` months from it. */
export function monthAt(nowMs: number, offset = 0): Month {
  const now = new Date(nowMs);
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset)).toISOString().slice(0, 10);
}
