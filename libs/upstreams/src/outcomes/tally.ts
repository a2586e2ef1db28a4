import type { HistogramV1, OutcomeClass, UpstreamOutcomesV1 } from '@switchboard/contracts';
import { observe } from './histogram';

/** What a reply came to, as its upstream told it. */
export interface ReplyFigures {
  inputTokens: number;
  cacheReadTokens: number;
  outputTokens: number;
  /** From the first to the last byte of a stream; absent: it was none. */
  streamedMs?: number | undefined;
}

/** What calls to one upstream came to since it was last asked. */
export class OutcomeTally {
  /** Calls under way that have waited far too long. */
  late = 0;
  private counts: Partial<Record<OutcomeClass, number>> = {};
  private firstTokenMs: HistogramV1 = {};
  private totalMs: HistogramV1 = {};
  private replies = 0;
  private inputTokens = 0;
  private cacheReadTokens = 0;
  private outputTokens = 0;
  private streamedTokens = 0;
  private streamedMs = 0;
  private isEmpty = true;

  count(outcome: OutcomeClass): void {
    this.counts[outcome] = (this.counts[outcome] ?? 0) + 1;
    this.isEmpty = false;
  }

  answered(tookMs: number, isStream: boolean): void {
    this.count('ok');
    observe(isStream ? this.firstTokenMs : this.totalMs, tookMs);
  }

  replied({ inputTokens, cacheReadTokens, outputTokens, streamedMs }: ReplyFigures): void {
    this.isEmpty = false;
    this.replies++;
    this.inputTokens += inputTokens;
    this.cacheReadTokens += cacheReadTokens;
    this.outputTokens += outputTokens;
    if (streamedMs === undefined) return;
    this.streamedTokens += outputTokens;
    this.streamedMs += streamedMs;
  }

  /** Undefined: there is nothing to tell. What was told is forgotten. */
  take(
    upstream: Pick<UpstreamOutcomesV1, 'provider' | 'model' | 'inFlight' | 'parkedForMs'>,
  ): UpstreamOutcomesV1 | undefined {
    if (this.isEmpty && this.late === 0) return undefined;
    const { counts, firstTokenMs, totalMs, replies, late } = this;
    const { inputTokens, cacheReadTokens, outputTokens, streamedTokens, streamedMs } = this;
    const tokens = { inputTokens, cacheReadTokens, outputTokens, streamedTokens, streamedMs };
    this.counts = {};
    this.firstTokenMs = {};
    this.totalMs = {};
    this.replies = this.inputTokens = this.cacheReadTokens = this.outputTokens = 0;
    this.streamedTokens = this.streamedMs = 0;
    this.isEmpty = true;
    return { ...upstream, counts, firstTokenMs, totalMs, replies, ...tokens, late };
  }
}
