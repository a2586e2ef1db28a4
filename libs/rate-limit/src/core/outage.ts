/** An attempt this recent tells how things stand. */
const RECENT_MS = 250;

/**
 * What the last attempts say about a service that may be away, for those who have to decide whether to try (again).
 * Times are milliseconds of any steady clock.
 */
export class Outage {
  private absentSinceMs = -Infinity;
  private absentAtMs = -Infinity;
  private answeredAtMs = -Infinity;
  private silentAtMs = -Infinity;

  answered(nowMs: number): void {
    this.answeredAtMs = nowMs;
    this.absentAtMs = -Infinity;
    this.silentAtMs = -Infinity;
  }

  /** Refused at once: nobody was there to ask. @returns for how long that has been so, as far as was tried. */
  absent(nowMs: number): number {
    if (nowMs - this.absentAtMs > RECENT_MS) this.absentSinceMs = nowMs;
    this.absentAtMs = nowMs;
    return nowMs - this.absentSinceMs;
  }

  /** Asked at `askedAtMs` and never answered; says nothing where others were answered meanwhile. */
  silent(askedAtMs: number, nowMs: number): void {
    if (this.answeredAtMs < askedAtMs) this.silentAtMs = nowMs;
  }

  /** Whether asking now would most likely mean waiting in vain. */
  isSilent(nowMs: number): boolean {
    return nowMs - this.silentAtMs < RECENT_MS;
  }
}
