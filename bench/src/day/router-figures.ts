import type { UpstreamOutcomesV1 } from '@switchboard/contracts';
import { bucketOf, type UpstreamFigures } from '@switchboard/upstreams';

const RECENT_MS = 60_000;
const USUAL_MS = 3_600_000;
/** Without replies for so long, what was recent gives way to what is usual. */
const STALE_MS = 300_000;
const SAMPLES_LEAST = 5;
/** A figure is told anew once it has been so far off for so long. */
const MOVED_SHARE = 0.2;
const MOVED_FOR_MS = 5_000;
/** Longest first token that is told apart. */
const LONGEST_MS = 3_600_000;

/** What calls came to, the older the less it counts. */
class Faded {
  private readonly firstTokens = new Float64Array(bucketOf(LONGEST_MS) + 1);
  private streamedTokens = 0;
  private streamedMs = 0;
  private inputTokens = 0;
  private cacheReadTokens = 0;
  private outputTokens = 0;
  private addedMs = 0;
  replies = 0;

  constructor(private readonly timeConstantMs: number) {}

  add(outcomes: UpstreamOutcomesV1, nowMs: number): void {
    const left = Math.exp((this.addedMs - nowMs) / this.timeConstantMs);
    this.addedMs = nowMs;
    for (const bucket of this.firstTokens.keys()) {
      this.firstTokens[bucket] = (this.firstTokens[bucket] ?? 0) * left + (outcomes.firstTokenMs[bucket] ?? 0);
    }
    this.streamedTokens = this.streamedTokens * left + outcomes.streamedTokens;
    this.streamedMs = this.streamedMs * left + outcomes.streamedMs;
    this.inputTokens = this.inputTokens * left + outcomes.inputTokens;
    this.cacheReadTokens = this.cacheReadTokens * left + outcomes.cacheReadTokens;
    this.outputTokens = this.outputTokens * left + outcomes.outputTokens;
    this.replies = this.replies * left + outcomes.replies;
  }

  get figures(): UpstreamFigures {
    if (this.replies < SAMPLES_LEAST) return {};
    return {
      firstTokenMs: this.medianFirstTokenMs(),
      tokensPerSecond: (1000 * this.streamedTokens) / this.streamedMs,
      outputTokens: this.outputTokens / this.replies,
      cacheHitRate: this.cacheReadTokens / this.inputTokens,
    };
  }

  private medianFirstTokenMs(): number {
    let left = this.firstTokens.reduce((sum, count) => sum + count, 0) / 2;
    const bucket = this.firstTokens.findIndex((count) => (left -= count) <= 0);
    return 1.2 ** bucket;
  }
}

type Figure = keyof UpstreamFigures;
const FIGURES: readonly Figure[] = ['firstTokenMs', 'tokensPerSecond', 'outputTokens', 'cacheHitRate'];

/**
 * What the router tells of an upstream once a second, as it finds it: speeds of the last minute, else, as all the
 * rest, of the last hour, and resting until they have moved for some seconds.
 */
export class RouterFigures {
  current: UpstreamFigures = {};
  private readonly recent = new Faded(RECENT_MS);
  private readonly usual = new Faded(USUAL_MS);
  private readonly movedSinceMs = new Map<Figure, number>();
  private repliedMs = -Infinity;

  /** Absent outcomes: there were none. @returns whether it tells anything new. */
  update(outcomes: UpstreamOutcomesV1 | undefined, nowMs: number): boolean {
    const before = this.current;
    if (outcomes !== undefined) {
      this.recent.add(outcomes, nowMs);
      this.usual.add(outcomes, nowMs);
      if (outcomes.replies > 0) this.repliedMs = nowMs;
    }
    const isRecent = this.recent.replies >= SAMPLES_LEAST && nowMs - this.repliedMs < STALE_MS;
    const usual = this.usual.figures;
    const { firstTokenMs, tokensPerSecond } = isRecent ? this.recent.figures : usual;
    const figures: UpstreamFigures = { ...usual, firstTokenMs, tokensPerSecond };
    for (const figure of FIGURES) this.tell(figure, figures[figure], nowMs);
    return this.current !== before;
  }

  private tell(figure: Figure, measured: number | undefined, nowMs: number): void {
    const told = this.current[figure];
    if (measured === undefined || (told !== undefined && Math.abs(measured - told) < MOVED_SHARE * told)) {
      this.movedSinceMs.delete(figure);
      return;
    }
    const sinceMs = this.movedSinceMs.get(figure) ?? nowMs;
    this.movedSinceMs.set(figure, sinceMs);
    if (told !== undefined && nowMs - sinceMs < MOVED_FOR_MS) return;
    this.movedSinceMs.delete(figure);
    this.current = { ...this.current, [figure]: Number(measured.toPrecision(2)) };
  }
}
