import type { RankedUpstreamV2 } from '@switchboard/contracts';
import type { LikelyCall } from './expected-cost';

/** What has been measured of an upstream; see RankedUpstreamV2. */
export type UpstreamFigures = Pick<
  RankedUpstreamV2,
  'firstTokenMs' | 'tokensPerSecond' | 'outputTokens' | 'cacheHitRate'
>;

/** A call of which nobody knows more. */
export const TYPICAL_INPUT_TOKENS = 1_000;
export const TYPICAL_OUTPUT_TOKENS = 500;

/** What a call with so much input comes to there, by what calls came to before. */
export function likelyCall(
  { outputTokens = TYPICAL_OUTPUT_TOKENS, cacheHitRate = 0 }: UpstreamFigures,
  inputTokens = TYPICAL_INPUT_TOKENS,
): LikelyCall {
  return { inputTokens, outputTokens, cacheHitRate };
}

/** Until a reply as usual there is whole; undefined: it has not been measured. */
export function expectedSeconds(figures: UpstreamFigures): number | undefined {
  const { firstTokenMs, tokensPerSecond, outputTokens = TYPICAL_OUTPUT_TOKENS } = figures;
  if (firstTokenMs === undefined || tokensPerSecond === undefined) return undefined;
  return firstTokenMs / 1000 + outputTokens / tokensPerSecond;
}
