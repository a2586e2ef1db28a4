/** So long an account that gives no time of its own is left alone after it said that it has no room. */
const PARK_MS = 1_000;
const PARK_MS_MAX = 3_600_000;
/** A refused credential is tried again so often: somebody may have paid, or put the key right at the provider. */
const REFUSED_MS = 30_000;
/** A provider says 403 of what a request holds too (moderation), so that one alone proves nothing. */
const FORBIDDEN_IN_A_ROW = 3;

export type Refusal = 'credential' | 'payment';

/** An account at a provider, which all its models share. Time is any clock in milliseconds that never goes back. */
export class AccountHealth {
  /** What its last reply said is left, 0 to 1 of the limit. */
  quotaLeft: number | undefined;
  private parkedUntilMs = -Infinity;
  private refusedUntilMs = -Infinity;
  private refusedBy: Refusal | undefined;
  private forbidden = 0;
  private trialSinceMs = -Infinity;

  /** 429. `retryAfterMs`: as it asked; absent: it did not. */
  limited(nowMs: number, retryAfterMs = PARK_MS): void {
    this.parkedUntilMs = Math.max(this.parkedUntilMs, nowMs + Math.min(retryAfterMs, PARK_MS_MAX));
  }

  /** 401, 402 or 403. */
  refused(status: number, nowMs: number): void {
    if (status === 403 && ++this.forbidden < FORBIDDEN_IN_A_ROW && this.refusedBy === undefined) return;
    this.refusedBy = status === 402 ? 'payment' : 'credential';
    this.refusedUntilMs = nowMs + REFUSED_MS;
    this.trialSinceMs = -Infinity;
  }

  /** It served a call. */
  served(): void {
    this.forbidden = 0;
    this.refusedBy = undefined;
    this.refusedUntilMs = -Infinity;
  }

  get refusal(): Refusal | undefined {
    return this.refusedBy;
  }

  /** Until it may be asked again; 0: it may. */
  closedForMs(nowMs: number): number {
    return Math.max(0, this.parkedUntilMs - nowMs, this.refusedUntilMs - nowMs);
  }

  parkedForMs(nowMs: number): number {
    return Math.max(0, this.parkedUntilMs - nowMs);
  }

  /** It was refused, and may be tried again. */
  needsTrial(nowMs: number): boolean {
    return this.refusedBy !== undefined && nowMs >= this.refusedUntilMs;
  }

  /** One at a time. */
  takeTrial(nowMs: number): boolean {
    if (nowMs - this.trialSinceMs < REFUSED_MS) return false;
    this.trialSinceMs = nowMs;
    return true;
  }
}
