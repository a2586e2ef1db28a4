import { priceAt } from '@switchboard/contracts';
import { expectedCost } from '@switchboard/upstreams';
import type { Candidate, LikelySize } from './plan';

/** What a reply comes to where nobody has measured it. */
const USUAL_OUTPUT_TOKENS = 500;

/**
 * By what this request is likely to cost, not by list price: what the model usually writes and reads from its cache,
 * as the router measured it. Of equal costs the better tier first.
 */
export function cheapestFirst(candidates: readonly Candidate[], size: LikelySize, startedAtMs: number): Candidate[] {
  const priced = candidates.map((candidate) => ({ candidate, cost: likelyCost(candidate, size, startedAtMs) }));
  priced.sort((left, right) => left.cost - right.cost || left.candidate.provider.tier - right.candidate.provider.tier);
  let rank = -1;
  let before = { cost: -1, tier: -1 };
  return priced.map(({ candidate, cost }) => {
    const { tier } = candidate.provider;
    if (cost !== before.cost || tier !== before.tier) rank++;
    before = { cost, tier };
    return { ...candidate, rank, degradedRank: rank + candidates.length };
  });
}

function likelyCost({ model, health }: Candidate, size: LikelySize, startedAtMs: number): number {
  const { outputTokens = USUAL_OUTPUT_TOKENS, cacheHitRate = 0 } = health.figures ?? {};
  return expectedCost(priceAt(model, startedAtMs).prices, {
    inputTokens: size.inputTokens,
    outputTokens: Math.min(outputTokens, size.outputTokensMost ?? Infinity, model.maxOutputTokens),
    cacheHitRate,
  });
}
