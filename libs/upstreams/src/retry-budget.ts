import type { RoutingPolicy } from '@switchboard/contracts';
import { SecondsWindow } from './seconds-window';

const WINDOW_SECONDS = 10;

/**
 * How many further attempts the requests of the last ten seconds may make together: when an upstream dies, what is tried
 * elsewhere must not become a second load; a few in any case, since a tenth of five requests is none. Time is any clock in milliseconds that never goes back.
 */
export class RetryBudget {
  private readonly requests = new SecondsWindow(WINDOW_SECONDS);
  private readonly retries = new SecondsWindow(WINDOW_SECONDS);

  request(nowMs: number): void {
    this.requests.add(nowMs);
  }

  isLeft(nowMs: number, { share, least }: RoutingPolicy['retries']): boolean {
    return this.retries.total(nowMs) + 1 <= Math.max(least, share * this.requests.total(nowMs));
  }

  /** Takes one retry where there is one left. */
  take(nowMs: number, policy: RoutingPolicy['retries']): boolean {
    if (!this.isLeft(nowMs, policy)) return false;
    this.retries.add(nowMs);
    return true;
  }
}
