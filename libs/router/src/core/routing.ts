import {
  type Catalog,
  type Model,
  type ModelUpstream,
  priceAt,
  type RankedChoiceV2,
  type RankedUpstreamV2,
  type UpstreamState,
} from '@switchboard/contracts';
import { globMatcher } from '@switchboard/platform';
import {
  expectedCost,
  expectedSeconds,
  likelyCall,
  orderUpstreams,
  type PolicyName,
  type PolicyStanding,
  rankByPolicy,
  type UpstreamFigures,
} from '@switchboard/upstreams';

/** What is known of an upstream. */
export type Finding = Pick<RankedUpstreamV2, 'state' | 'stateVersion' | 'reason' | 'retryAfterMs'> & {
  figures: UpstreamFigures;
};

export type FindingOf = (upstream: ModelUpstream) => Finding;

/** A model's upstreams, best first, but for those whose provider the catalog does not have. */
export function routeModel(catalog: Catalog, model: Model, findingOf: FindingOf): RankedUpstreamV2[] {
  const reachable = model.upstreams.flatMap((upstream) => {
    const provider = catalog.providers.get(upstream.provider);
    if (provider === undefined) return [];
    const finding = findingOf(upstream);
    const ownCost = expectedCost(upstream.cost, likelyCall(finding.figures));
    return [{ upstream, finding, state: finding.state, tier: provider.tier, ownCost }];
  });
  return orderUpstreams(reachable).map(({ upstream, finding }) => {
    const { figures, ...found } = finding;
    return { provider: upstream.provider, model: upstream.model, weight: upstream.weight, ...found, ...figures };
  });
}

/** A model at a provider, where a routing name may choose it. */
export interface Candidate extends PolicyStanding {
  model: Model;
  upstream: ModelUpstream;
}

/** What every routing name chooses from, each model's upstreams in the order of `routeModel`. */
export function autoCandidates(catalog: Catalog, findingOf: FindingOf, atMs: number): Candidate[] {
  const mayChoose = globMatcher(catalog.auto.models);
  return [...catalog.models.values()]
    .filter((model) => model.category === 'llm' && mayChoose(model.id))
    .flatMap((model) => modelCandidates(catalog, model, findingOf, atMs));
}

export function modelCandidates(catalog: Catalog, model: Model, findingOf: FindingOf, atMs: number): Candidate[] {
  const { prices } = priceAt(model, atMs);
  const candidates = model.upstreams.flatMap((upstream) => {
    const provider = catalog.providers.get(upstream.provider);
    if (provider === undefined) return [];
    const { state, figures } = findingOf(upstream);
    const call = likelyCall(figures);
    const cost = expectedCost(prices, call);
    const ownCost = expectedCost(upstream.cost, call);
    return [{ model, upstream, tier: provider.tier, state, cost, ownCost, seconds: expectedSeconds(figures) }];
  });
  return orderUpstreams(candidates);
}

export function routePolicy(policy: PolicyName, catalog: Catalog, candidates: readonly Candidate[]): RankedChoiceV2[] {
  return rankByPolicy(policy, catalog.auto.order, candidates).map(({ candidate: { model, upstream }, rank }) => ({
    model: model.id,
    provider: upstream.provider,
    upstreamModel: upstream.model,
    rank,
  }));
}

export const UNKNOWN: Finding = { state: 'healthy' satisfies UpstreamState, stateVersion: 0, figures: {} };
