const FAST = 0.2;
/** Of an upstream that is tried now and then, each answer counts more. */
const SPARSE = 0.5;
const BASE_RISING = 0.002;
const BASE_FALLING = 0.05;
const WARM_SAMPLES = 5;
/** Without an answer for so long, an old figure gives way to what is usual: what is not used is not measured. */
const STALE_MS = 5_000;
const SLOW_TIMES = 4;
const SLOW_MS = 500;

/**
 * How long an upstream takes to begin its answers, now and usually, in milliseconds. The usual time follows slowly upwards,
 * so that an upstream that turned slow is seen as slow for minutes, and sooner downwards.
 */
export class Latency {
  private fastMs = 0;
  private baseMs = 0;
  private samples = 0;
  private lastMs = -Infinity;

  get measured(): boolean {
    return this.samples >= WARM_SAMPLES;
  }

  observe(tookMs: number, nowMs: number): void {
    if (this.samples++ === 0) {
      this.fastMs = tookMs;
      this.baseMs = tookMs;
    } else {
      const weight = nowMs - this.lastMs > 250 ? SPARSE : FAST;
      this.fastMs += weight * (tookMs - this.fastMs);
      this.baseMs += (tookMs > this.baseMs ? BASE_RISING : BASE_FALLING) * (tookMs - this.baseMs);
    }
    this.lastMs = nowMs;
  }

  /** What to expect; 0: nobody knows yet. */
  expectedMs(nowMs: number): number {
    const idleMs = nowMs - this.lastMs - STALE_MS;
    if (idleMs <= 0 || this.fastMs <= this.baseMs) return this.fastMs;
    return this.baseMs + (this.fastMs - this.baseMs) * 2 ** (-idleMs / STALE_MS);
  }

  isSlow(nowMs: number): boolean {
    return this.measured && this.expectedMs(nowMs) > this.slowFromMs;
  }

  /** From when on a call has waited far longer than is usual. */
  get slowFromMs(): number {
    return Math.max(SLOW_TIMES * this.baseMs, this.baseMs + SLOW_MS);
  }
}
