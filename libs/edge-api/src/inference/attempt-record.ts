import type { UsageRecordedV1 } from '@switchboard/contracts';
import { totalInputTokens } from '@switchboard/protocol';
import { classOfFailure, type FailedCall } from '@switchboard/upstreams';
import type { Candidate } from '../core/plan';

/** What one attempt tells of its upstream, to whoever picks and to the router. Made when it is sent; ends once. */
export class AttemptRecord {
  private answeredMs: number | undefined;
  /** It waits far longer than is usual. */
  isLate = false;
  private over = false;

  constructor(
    private readonly candidate: Candidate,
    /** Monotonic milliseconds, as all times here. */
    private readonly startedMs: number,
    private readonly isStream: boolean,
  ) {
    candidate.health.began();
  }

  /** Something of it went to the client. */
  get isAnswered(): boolean {
    return this.answeredMs !== undefined;
  }

  /** The first of it goes to the client. */
  answered(): void {
    if (this.over || this.answeredMs !== undefined) return;
    const nowMs = performance.now();
    this.answeredMs = nowMs;
    this.noLongerLate();
    this.candidate.health.answered(this.startedMs, nowMs, this.isStream);
    this.candidate.tally.answered(nowMs - this.startedMs, this.isStream);
  }

  /** Refused for what the request holds. */
  refused(): void {
    if (!this.over) this.count({ kind: 'rejected', status: 400 });
  }

  /** `retryAfterSeconds`: as the upstream asked. */
  failed(failure: FailedCall & { retryAfterSeconds?: number }): void {
    if (this.over) return;
    this.count(failure);
    this.end();
  }

  /** What it came to, where the upstream told. */
  settled({ usage, accuracy, status }: UsageRecordedV1): void {
    if (!this.over && accuracy === 'exact' && status === 200) {
      this.answered();
      this.candidate.tally.replied({
        inputTokens: totalInputTokens(usage),
        cacheReadTokens: usage.cacheReadTokens,
        outputTokens: usage.outputTokens,
        streamedMs: this.isStream ? performance.now() - (this.answeredMs ?? 0) : undefined,
      });
    }
    this.end();
  }

  end(): void {
    if (this.over) return;
    this.over = true;
    this.noLongerLate();
    this.candidate.health.ended();
  }

  /** Once it has waited far longer than is usual, that is told while it waits on. */
  noticeLate(nowMs: number): void {
    if (this.isLate || this.over || this.answeredMs !== undefined) return;
    const { health, tally } = this.candidate;
    if (!health.isLate(nowMs - this.startedMs, this.isStream)) return;
    this.isLate = true;
    tally.late++;
    health.breaker.noticeLate(this.startedMs);
  }

  private count(failure: FailedCall & { retryAfterSeconds?: number }): void {
    const outcome = classOfFailure(failure);
    if (outcome === undefined) return;
    const { retryAfterSeconds } = failure;
    this.candidate.tally.count(outcome);
    this.candidate.health.failed(outcome, {
      ...{ startedMs: this.startedMs, nowMs: performance.now(), status: failure.status },
      ...(retryAfterSeconds !== undefined && { retryAfterMs: retryAfterSeconds * 1000 }),
    });
  }

  private noLongerLate(): void {
    if (this.isLate) this.candidate.tally.late--;
    this.isLate = false;
  }
}
