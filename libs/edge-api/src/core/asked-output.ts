import type { Model } from '@switchboard/contracts';

/** What bounds a call's output, as its client asked. */
export interface AskedOutput {
  /** Of each reply. Absent: as many as the model may write. */
  maxTokens: number | undefined;
  /** Chat `n`; 0: nothing is written. */
  replyCount: number;
}

/**
 * The most tokens that all replies to a call can have together, at least 1 where there are any. A client may ask for any number; more than a
 * number holds exactly nobody pays for.
 */
export function outputTokensAsked({ maxTokens, replyCount }: AskedOutput, { maxOutputTokens }: Model): number {
  if (replyCount === 0) return 0;
  return Math.min(Math.max(1, (maxTokens ?? maxOutputTokens) * replyCount), Number.MAX_SAFE_INTEGER);
}
