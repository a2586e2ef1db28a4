import type { HistogramV1, UpstreamOutcomesV1 } from '@switchboard/contracts';
import { addHistogram, countOf, quantile, type UpstreamFigures } from '@switchboard/upstreams';

/** After so long, what was told counts half. */
const HALF_LIFE_MS = 300_000;
/** Fewer replies measure nothing. */
const REPLIES_LEAST = 5;

/** What replies of an upstream come to, of late, as routers make it of what edges tell. */
export class MeasuredFigures {
  private firstTokens: HistogramV1 = {};
  private replies = 0;
  private outputTokens = 0;
  private streamedTokens = 0;
  private streamedMs = 0;
  private addedMs = 0;

  /** Absent until measured. */
  get figures(): UpstreamFigures {
    if (this.replies < REPLIES_LEAST || countOf(this.firstTokens) < REPLIES_LEAST) return {};
    const firstTokenMs = quantile(this.firstTokens, 0.5);
    return {
      ...(firstTokenMs !== undefined && { firstTokenMs }),
      tokensPerSecond: (1_000 * this.streamedTokens) / this.streamedMs,
      outputTokens: this.outputTokens / this.replies,
    };
  }

  /** Undefined: there was nothing to tell, and what is known fades no further. */
  add(told: UpstreamOutcomesV1 | undefined, nowMs: number): void {
    if (told === undefined) return;
    const kept = 0.5 ** ((nowMs - this.addedMs) / HALF_LIFE_MS);
    this.addedMs = nowMs;
    const firstTokens = Object.entries(this.firstTokens).map(([bucket, count]) => [bucket, kept * count]);
    this.firstTokens = Object.fromEntries(firstTokens) as HistogramV1;
    addHistogram(this.firstTokens, told.firstTokenMs);
    this.replies = kept * this.replies + told.replies;
    this.outputTokens = kept * this.outputTokens + told.outputTokens;
    this.streamedTokens = kept * this.streamedTokens + told.streamedTokens;
    this.streamedMs = kept * this.streamedMs + told.streamedMs;
  }
}
