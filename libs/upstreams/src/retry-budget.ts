const WINDOW_SECONDS = 10;

export interface RetryPolicy {
  /** Retries per request, over the last ten seconds. */
  share: number;
  /** So many are there in any case: ten percent of five requests is none. */
  least: number;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = { share: 0.1, least: 10 };

/**
 * How many further attempts the requests of the last ten seconds may make together: when an upstream dies, what is tried
 * elsewhere must not become a second load. Time is any clock in milliseconds that never goes back.
 */
export class RetryBudget {
  private readonly requests = new Uint32Array(WINDOW_SECONDS);
  private readonly retries = new Uint32Array(WINDOW_SECONDS);
  private second = 0;

  request(nowMs: number): void {
    this.requests[this.slotAt(nowMs)]!++;
  }

  /** Takes one retry where there is one left. */
  take(nowMs: number, { share, least }: RetryPolicy): boolean {
    const slot = this.slotAt(nowMs);
    const allowed = Math.max(least, share * sum(this.requests));
    if (sum(this.retries) + 1 > allowed) return false;
    this.retries[slot]!++;
    return true;
  }

  private slotAt(nowMs: number): number {
    const second = Math.floor(nowMs / 1000);
    const passed = second - this.second;
    if (passed > 0) {
      for (let step = 1; step <= Math.min(passed, WINDOW_SECONDS); step++) {
        const slot = (this.second + step) % WINDOW_SECONDS;
        this.requests[slot] = 0;
        this.retries[slot] = 0;
      }
      this.second = second;
    }
    return this.second % WINDOW_SECONDS;
  }
}

function sum(counts: Uint32Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
