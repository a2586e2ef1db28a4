import type { UpstreamOutcomesV1 } from '@switchboard/contracts';

/** What counts half as much as what is told now. */
const HALF_LIFE_MS = 300_000;
/** Of a reply where none was measured. */
const TYPICAL_OUTPUT_TOKENS = 500;

/** What replies of an upstream come to, of late, as routers make it of what edges tell. */
export class MeasuredFigures {
  private replies = 0;
  private tokens = 0;
  private addedMs = 0;

  /** Mean of a reply. */
  get outputTokens(): number {
    return this.replies === 0 ? TYPICAL_OUTPUT_TOKENS : this.tokens / this.replies;
  }

  add(told: UpstreamOutcomesV1 | undefined, nowMs: number): void {
    const kept = 0.5 ** ((nowMs - this.addedMs) / HALF_LIFE_MS);
    this.addedMs = nowMs;
    this.replies = kept * this.replies + (told?.replies ?? 0);
    this.tokens = kept * this.tokens + (told?.outputTokens ?? 0);
  }
}
