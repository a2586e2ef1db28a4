import { priceAt } from '@switchboard/contracts';
import { expectedCost, rankByPolicy, TYPICAL_OUTPUT_TOKENS } from '@switchboard/upstreams';
import type { Candidate, LikelySize } from './plan';

/**
 * By what this request is likely to cost, not by list price: what the model usually writes and reads from its cache,
 * as the router measured it. Of equal costs the better tier first.
 */
export function cheapestFirst(candidates: readonly Candidate[], size: LikelySize, startedAtMs: number): Candidate[] {
  const usual = usualOutput(candidates);
  const priced = candidates.map((candidate) => ({
    ...{ candidate, tier: candidate.provider.tier, cost: likelyCost(candidate, { ...size, usual }, startedAtMs) },
    // How it fares is the pick's business.
    ...{ state: 'healthy' as const, seconds: undefined },
  }));
  return rankByPolicy('auto:cheapest', [], priced).map(({ candidate: { candidate }, rank }) => {
    return { ...candidate, rank, degradedRank: rank + candidates.length };
  });
}

/** Of what nobody has measured, as much as of the others: replies are as long as what is asked, more than as who answers. */
function usualOutput(candidates: readonly Candidate[]): number {
  const measured = candidates.flatMap(({ health }) => health.figures?.outputTokens ?? []);
  if (measured.length === 0) return TYPICAL_OUTPUT_TOKENS;
  return measured.reduce((sum, tokens) => sum + tokens, 0) / measured.length;
}

function likelyCost({ model, health }: Candidate, size: LikelySize & { usual: number }, startedAtMs: number): number {
  const { outputTokens = size.usual, cacheHitRate = 0 } = health.figures ?? {};
  return expectedCost(priceAt(model, startedAtMs).prices, {
    inputTokens: size.inputTokens,
    outputTokens: Math.min(outputTokens, size.outputTokensMost ?? Infinity, model.maxOutputTokens),
    cacheHitRate,
  });
}
