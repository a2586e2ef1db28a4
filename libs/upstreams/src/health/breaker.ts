import type { OutcomeClass, UpstreamState } from '@switchboard/contracts';
import { isFailure } from '../outcomes/outcome-class';
import { SecondsWindow } from '../seconds-window';

const OPEN_MS = 500;
const OPEN_MS_MAX = 8_000;
/** After one failure: long enough for the next calls to go elsewhere, and short enough for a passing fault to be forgotten. */
const SUSPECT_MS = 1_000;
/** Of the calls of the window: so few failures pass by themselves, and traffic need not move for each of them. */
const PASSING_SHARE = 0.05;
/** So many are no accident: the others go first until it is over, not for a moment after each. */
const OFTEN_LEAST = 5;
const OFTEN_SHARE = 0.1;
const OFTEN_MS = 5_000;
const WINDOW_SECONDS = 10;
/** So many in a row are no coincidence. */
const IN_A_ROW = 3;
/** Each cost a client the whole of its patience. */
const TIMEOUTS_IN_A_ROW = 2;
const WINDOW_FAILED_LEAST = 5;
const WINDOW_SHARE = 0.5;
/** So many calls that wait far too long, and not one answered since the first of them began. */
const LATE_IN_A_ROW = 3;
const TRIALS_TO_CLOSE = 2;
/** A trial that nobody has told the end of for so long was lost. */
const TRIAL_LOST_MS = 5_000;

/**
 * What one process made of one model at one provider, from nothing but its own calls: it opens within one request where
 * the evidence is plain, and closes again by calls that come through. Time is any clock in milliseconds that never goes
 * back.
 */
export class Breaker {
  /** When the last call that came through had begun. */
  lastOkMs = -Infinity;
  /** What the last failure was. */
  cause: OutcomeClass | undefined;
  private inARow = 0;
  private timeoutsInARow = 0;
  private late = 0;
  private suspectUntilMs = -Infinity;
  /** When the last failure was known. */
  private failedMs = -Infinity;
  private openedMs = -Infinity;
  private openUntilMs = -Infinity;
  /** How often it opened without having closed between. */
  private openings = 0;
  private trialsPassed = 0;
  private trialSinceMs = -Infinity;
  private readonly failures = new SecondsWindow(WINDOW_SECONDS);
  private readonly calls = new SecondsWindow(WINDOW_SECONDS);

  standing(nowMs: number): UpstreamState {
    if (this.openings > 0) return nowMs < this.openUntilMs ? 'open' : 'half-open';
    // Whoever is sent there waits until it times out: no tier is worth that, and one client at a time finds out enough.
    if (this.late >= LATE_IN_A_ROW) return 'half-open';
    return nowMs < this.suspectUntilMs ? 'degraded' : 'healthy';
  }

  /** Calls wait, far longer than is usual, and of those sent since `sinceMs` and before none was answered. */
  answersNobodySince(sinceMs: number): boolean {
    return this.late >= LATE_IN_A_ROW && this.lastOkMs < sinceMs;
  }

  /** More than a failure or two says so. */
  get seemsDead(): boolean {
    return this.openings > 0 || this.late >= LATE_IN_A_ROW;
  }

  /** It opened because calls waited in vain: whoever tries it may lose the whole of its patience. */
  get hangs(): boolean {
    return this.openings > 0 && this.cause === 'timeout';
  }

  /** Until it may be tried again; 0: it may. */
  closedForMs(nowMs: number): number {
    return this.openings > 0 ? Math.max(0, this.openUntilMs - nowMs) : 0;
  }

  /** Takes the one trial that may be under way while half-open. */
  takeTrial(nowMs: number): boolean {
    if (nowMs - this.trialSinceMs < TRIAL_LOST_MS) return false;
    this.trialSinceMs = nowMs;
    return true;
  }

  /** The trial under way ended without a finding. */
  releaseTrial(): void {
    this.trialSinceMs = -Infinity;
  }

  /** A call began to answer. `startedMs`: when it had been sent. */
  succeeded(startedMs: number, nowMs: number): void {
    this.calls.add(nowMs);
    this.inARow = 0;
    this.timeoutsInARow = 0;
    this.late = 0;
    if (startedMs > this.lastOkMs) this.lastOkMs = startedMs;
    if (this.openings === 0) {
      // What was under way when one failed says little about now: under load something is answered at every moment.
      const isLater = startedMs >= this.failedMs && !this.oftenFails(nowMs);
      if (isLater || this.seldomFails(nowMs)) this.suspectUntilMs = -Infinity;
      return;
    }
    // What was under way when it opened says nothing about now.
    if (startedMs < this.openedMs) return;
    this.trialSinceMs = -Infinity;
    if (++this.trialsPassed >= TRIALS_TO_CLOSE) this.close();
  }

  failed(outcome: OutcomeClass, startedMs: number, nowMs: number): void {
    if (!isFailure(outcome)) return;
    this.calls.add(nowMs);
    this.failures.add(nowMs);
    this.cause = outcome;
    this.inARow++;
    this.timeoutsInARow = outcome === 'timeout' ? this.timeoutsInARow + 1 : 0;
    this.suspectUntilMs = nowMs + (this.oftenFails(nowMs) ? OFTEN_MS : SUSPECT_MS);
    this.failedMs = nowMs;
    if (this.openings > 0) {
      if (startedMs >= this.openedMs) this.open(nowMs);
    } else if (this.isPlain(outcome, nowMs)) {
      this.open(nowMs);
    }
  }

  /** A call under way has waited far too long; each call says so once. */
  noticeLate(startedMs: number): void {
    if (startedMs > this.lastOkMs) this.late++;
  }

  private isPlain(outcome: OutcomeClass, nowMs: number): boolean {
    if (outcome === 'connect' || this.timeoutsInARow >= TIMEOUTS_IN_A_ROW || this.inARow >= IN_A_ROW) return true;
    const failed = this.failures.total(nowMs);
    return failed >= WINDOW_FAILED_LEAST && failed >= WINDOW_SHARE * this.calls.total(nowMs);
  }

  private oftenFails(nowMs: number): boolean {
    const failed = this.failures.total(nowMs);
    return failed >= OFTEN_LEAST && failed >= OFTEN_SHARE * this.calls.total(nowMs);
  }

  private seldomFails(nowMs: number): boolean {
    return this.failures.total(nowMs) < PASSING_SHARE * this.calls.total(nowMs);
  }

  private open(nowMs: number): void {
    this.openedMs = nowMs;
    this.openUntilMs = nowMs + Math.min(OPEN_MS_MAX, OPEN_MS * 2 ** this.openings);
    this.openings++;
    this.trialsPassed = 0;
    this.trialSinceMs = -Infinity;
    this.late = 0;
  }

  private close(): void {
    this.openings = 0;
    this.suspectUntilMs = -Infinity;
    this.cause = undefined;
    this.failures.clear();
    this.calls.clear();
  }
}
