import type { AccountRefusal } from '@switchboard/contracts';

/** A refused credential is tried again so often: somebody may have paid, or put the key right at the provider. */
const REFUSED_MS = 30_000;
/** A provider says 403 of what a request holds too (moderation), so that one alone proves nothing. */
const FORBIDDEN_IN_A_ROW = 3;

/** An account at a provider, which all its models share. Time is any clock in milliseconds that never goes back. */
export class AccountHealth {
  private quotaLeft: number | undefined;
  private refusedUntilMs = -Infinity;
  private refusedBy: AccountRefusal | undefined;
  private forbidden = 0;
  private trialSinceMs = -Infinity;

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

  /** `left`: 0 to 1 of the limit, as a reply said; undefined: it said nothing. */
  saysLeft(left: number | undefined): void {
    if (left !== undefined) this.quotaLeft = left;
  }

  /** What was said last since it was last asked. */
  takeQuotaLeft(): number | undefined {
    const { quotaLeft } = this;
    this.quotaLeft = undefined;
    return quotaLeft;
  }

  get refusal(): AccountRefusal | undefined {
    return this.refusedBy;
  }

  /** Until it may be asked again; 0: it may. */
  closedForMs(nowMs: number): number {
    return Math.max(0, this.refusedUntilMs - nowMs);
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
