import { priceAt } from '@switchboard/contracts';
import { expectedCost } from '@switchboard/upstreams';
import type { Candidate, LikelySize } from './plan';

/** What a reply comes to where nobody has measured any. */
const USUAL_OUTPUT_TOKENS = 500;

/**
 * By what this request is likely to cost, not by list price: what the model usually writes and reads from its cache,
 * as the router measured it. Of equal costs the better tier first.
 */
export function cheapestFirst(candidates: readonly Candidate[], size: LikelySize, startedAtMs: number): Candidate[] {
  const usual = usualOutput(candidates);
  const priced = candidates.map((candidate) => {
    return { candidate, cost: likelyCost(candidate, { ...size, usual }, startedAtMs) };
  });
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

/** Of what nobody has measured, as much as of the others: replies are as long as what is asked, more than as who answers. */
function usualOutput(candidates: readonly Candidate[]): number {
  const measured = candidates.flatMap(({ health }) => health.figures?.outputTokens ?? []);
  if (measured.length === 0) return USUAL_OUTPUT_TOKENS;
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
