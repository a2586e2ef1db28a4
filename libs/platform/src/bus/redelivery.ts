const FIRST_MS = 250;
const MOST_MS = 30_000;

/** How long what was handed out `deliveries` times in vain waits for the next: doubling, 250 ms to 30 s. */
export function redeliveryPauseMs(deliveries: number): number {
  return Math.min(FIRST_MS * 2 ** Math.min(deliveries - 1, 10), MOST_MS);
}
