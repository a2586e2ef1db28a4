import type { UpstreamOutcomesV1 } from '@switchboard/contracts';

/** Longest duration that is told apart: 1.2^120 ms, a hundred and eighty days. */
const BUCKETS = 121;
const RATIO = 1.2;
/** Fewer measure nothing. */
const SAMPLES_LEAST = 5;

/**
 * What calls to an upstream are like, the older the less it counts. All sums shrink alike, so that means and medians of
 * them stay while nothing new comes.
 */
export class DecayedFigures {
  private readonly firstTokens = new Float64Array(BUCKETS);
  private streamedTokens = 0;
  private streamedMs = 0;
  private inputTokens = 0;
  private cacheReadTokens = 0;
  private updatedMs: number | undefined;
  /** Replies that told their usage, and what was put out in them. */
  replies = 0;
  outputTokens = 0;

  /** `timeConstantMs`: after so long, what was heard counts for about a third. */
  constructor(private readonly timeConstantMs: number) {}

  add(nowMs: number, outcomes: UpstreamOutcomesV1): void {
    this.decay(nowMs);
    for (const bucket in outcomes.firstTokenMs) {
      const index = Math.min(BUCKETS - 1, Number(bucket));
      this.firstTokens[index] = (this.firstTokens[index] ?? 0) + (outcomes.firstTokenMs[bucket] ?? 0);
    }
    this.streamedTokens += outcomes.streamedTokens;
    this.streamedMs += outcomes.streamedMs;
    this.inputTokens += outcomes.inputTokens;
    this.cacheReadTokens += outcomes.cacheReadTokens;
    this.replies += outcomes.replies;
    this.outputTokens += outcomes.outputTokens;
  }

  /** Median, at most a fifth too much; undefined: too few. */
  get firstTokenMs(): number | undefined {
    let count = 0;
    for (const inBucket of this.firstTokens) count += inBucket;
    if (count < SAMPLES_LEAST) return undefined;
    let left = count / 2;
    for (const [index, inBucket] of this.firstTokens.entries()) {
      left -= inBucket;
      if (left <= 0) return RATIO ** index;
    }
    return undefined;
  }

  get tokensPerSecond(): number | undefined {
    return this.isMeasured && this.streamedMs > 0 && this.streamedTokens > 0
      ? (1000 * this.streamedTokens) / this.streamedMs
      : undefined;
  }

  /** 0 to 1. */
  get cacheHitRate(): number | undefined {
    if (!this.isMeasured || this.inputTokens <= 0) return undefined;
    return Math.min(1, this.cacheReadTokens / this.inputTokens);
  }

  get isMeasured(): boolean {
    return this.replies >= SAMPLES_LEAST;
  }

  private decay(nowMs: number): void {
    const passedMs = this.updatedMs === undefined ? 0 : nowMs - this.updatedMs;
    this.updatedMs = nowMs;
    if (passedMs <= 0) return;
    const left = Math.exp(-passedMs / this.timeConstantMs);
    for (const index of this.firstTokens.keys()) this.firstTokens[index] = (this.firstTokens[index] ?? 0) * left;
    this.streamedTokens *= left;
    this.streamedMs *= left;
    this.inputTokens *= left;
    this.cacheReadTokens *= left;
    this.replies *= left;
    this.outputTokens *= left;
  }
}
