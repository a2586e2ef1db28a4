import type { OutcomeClass, RankedUpstreamV2, UpstreamState } from '@switchboard/contracts';
import { isFailure } from '../outcomes/outcome-class';
import type { AccountHealth } from './account-health';
import { Breaker } from './breaker';
import { Latency } from './latency';

/** So long one that gives no time of its own is left alone after it said that it has no room. */
const PARK_MS = 1_000;
const PARK_MS_MAX = 3_600_000;
/** How often a degraded upstream is tried, to see whether it has come round. */
const DEGRADED_TRIAL_MS = 500;
/** Nothing shorter is late, however quick the upstream usually is. */
const LATE_MS_LEAST = 1_000;
const LATE_MS_UNMEASURED = 10_000;

/**
 * One model at one provider as one process sees it: its own calls, what its account said, and what the router said of all
 * edges. Lives as long as the upstream is in the catalog. Time is any clock in milliseconds that never goes back.
 */
export class UpstreamHealth {
  /** Calls under way. */
  inFlight = 0;
  readonly breaker = new Breaker();
  /** Until the first byte of streams. */
  readonly latency = new Latency();
  /** Of whole replies, which take as long as they are long. */
  private readonly wholeLatency = new Latency();
  private heard: RankedUpstreamV2 | undefined;
  /** When the router’s present finding was heard. */
  private heardMs = -Infinity;
  private triedMs = -Infinity;
  private parkedUntilMs = -Infinity;
  /** Its limit is over, as it said; whether that holds, one call finds out. */
  private wasParked = false;

  constructor(readonly account: AccountHealth) {}

  /** The router’s finding; undefined: it has none. */
  hear(ranked: RankedUpstreamV2 | undefined, nowMs: number): void {
    if (ranked?.stateVersion !== this.heard?.stateVersion || ranked?.state !== this.heard?.state) this.heardMs = nowMs;
    this.heard = ranked;
  }

  get figures(): RankedUpstreamV2 | undefined {
    return this.heard;
  }

  standing(nowMs: number): UpstreamState {
    if (nowMs < this.parkedUntilMs || this.account.closedForMs(nowMs) > 0) return 'open';
    const own = this.breaker.standing(nowMs);
    const told = this.told(nowMs);
    if (own === 'open' || told === 'open') return 'open';
    if (this.wasParked || own === 'half-open' || told === 'half-open' || this.account.needsTrial(nowMs))
      return 'half-open';
    return own === 'degraded' || told === 'degraded' || this.latency.isSlow(nowMs) ? 'degraded' : 'healthy';
  }

  /** Whether this call is to be the one that finds out how it is now. Of a healthy one there is nothing to find out. */
  takeTrial(standing: UpstreamState, nowMs: number): boolean {
    switch (standing) {
      case 'healthy':
      case 'open':
        return false;
      case 'degraded':
        if (nowMs - this.triedMs < DEGRADED_TRIAL_MS) return false;
        this.triedMs = nowMs;
        return true;
      case 'half-open':
        return this.account.needsTrial(nowMs) ? this.account.takeTrial(nowMs) : this.breaker.takeTrial(nowMs);
    }
  }

  /** Until it may be tried again; 0: it may. */
  closedForMs(nowMs: number): number {
    const told = this.told(nowMs) === 'open' ? this.heardMs + (this.heard?.retryAfterMs ?? 0) - nowMs : 0;
    return Math.max(this.parkedForMs(nowMs), this.account.closedForMs(nowMs), this.breaker.closedForMs(nowMs), told);
  }

  /** Until it asked to be left alone; 0: it did not. Of this model: providers count each of theirs by itself. */
  parkedForMs(nowMs: number): number {
    return Math.max(0, this.parkedUntilMs - nowMs);
  }

  /** A call is being sent. */
  began(): void {
    this.inFlight++;
  }

  /** It is over, however it ended. */
  ended(): void {
    this.inFlight--;
  }

  /** What is sent on of its answer begins. */
  answered(startedMs: number, nowMs: number, isStream: boolean): void {
    this.breaker.succeeded(startedMs, nowMs);
    if (startedMs >= this.parkedUntilMs) this.wasParked = false;
    this.account.served();
    (isStream ? this.latency : this.wholeLatency).observe(nowMs - startedMs, nowMs);
  }

  /** `status`, `retryAfterMs`: as it said. */
  failed(outcome: OutcomeClass, { startedMs, nowMs, status, retryAfterMs }: FailureFacts): void {
    if (outcome === 'limited') {
      const untilMs = nowMs + Math.min(retryAfterMs ?? PARK_MS, PARK_MS_MAX);
      this.parkedUntilMs = Math.max(this.parkedUntilMs, untilMs);
      this.wasParked = true;
    }
    if (outcome === 'account') this.account.refused(status ?? 401, nowMs);
    // It has just been tried.
    this.triedMs = nowMs;
    if (isFailure(outcome) && outcome !== 'account') this.breaker.failed(outcome, startedMs, nowMs);
    // It came to an end that says nothing: the next call may find out.
    else this.breaker.releaseTrial();
  }

  /** Whether a call that has waited for so long for its first byte has waited far longer than is usual. */
  isLate(waitedMs: number, isStream: boolean): boolean {
    const latency = isStream ? this.latency : this.wholeLatency;
    return waitedMs > (latency.measured ? Math.max(LATE_MS_LEAST, latency.slowFromMs) : LATE_MS_UNMEASURED);
  }

  /** Nothing that it was asked since then has been answered, and that is not for want of calls. */
  isSilentSince(startedMs: number): boolean {
    return this.breaker.lastOkMs < startedMs && this.breaker.seemsDead;
  }

  /** What the router found is overruled by a call of our own that came through since. */
  private told(nowMs: number): UpstreamState {
    const { heard } = this;
    if (heard === undefined || heard.state === 'healthy') return 'healthy';
    if (heard.state === 'degraded') return 'degraded';
    if (this.breaker.lastOkMs > this.heardMs) return 'healthy';
    if (heard.state === 'half-open') return 'half-open';
    return nowMs < this.heardMs + (heard.retryAfterMs ?? 0) ? 'open' : 'half-open';
  }
}

export interface FailureFacts {
  startedMs: number;
  nowMs: number;
  status?: number | undefined;
  retryAfterMs?: number | undefined;
}
