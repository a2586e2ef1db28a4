import type { UpstreamKind } from './kind';
import { readNumber } from './read-number';

/** @param millisecondNames headers that tell it in milliseconds, the first that is there; else `retry-after` does. */
export function retryAfterReader(millisecondNames: readonly string[]): UpstreamKind['retryAfterMs'] {
  return (headers, nowMs) => {
    for (const name of millisecondNames) {
      const ms = readNumber(headers, name);
      if (ms !== undefined) return ms;
    }
    const seconds = readNumber(headers, 'retry-after');
    if (seconds !== undefined) return seconds * 1000;
    const date = headers['retry-after'];
    // Only of what looks like an HTTP date: the parser makes a date of almost anything.
    const atMs = typeof date === 'string' && /GMT$/i.test(date) ? Date.parse(date) : NaN;
    return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
  };
}
