import {
  type Catalog,
  type ExplainedCandidateV1,
  type ExplainRequestV1,
  type ExplanationV1,
  type Model,
  type ModelUpstream,
  type PolicyOrder,
  priceAt,
  type Provider,
  type RoutingSnapshotV1,
  usdPerMillionTokens,
} from '@switchboard/contracts';
import { autoOrder, closestModels, compareByPolicy, globMatcher, resolveModel } from '@switchboard/platform';

/** An upstream and where it stands: `provider` is absent where the catalog has none of that name. */
interface Routed {
  model: Model;
  upstream: ModelUpstream;
  provider?: Provider;
  /** Why it would not be tried. */
  refusal?: string;
}

/**
 * What a request for this name would try and in which order, of everything the catalog offers: what a certain key may
 * use, and what a certain request needs, narrow it further at the edge.
 */
export function explain(
  { model: requested, atMs }: ExplainRequestV1 & { atMs: number },
  catalog: Catalog,
  snapshot?: RoutingSnapshotV1,
): ExplanationV1 {
  const snapshotAge = snapshot === undefined ? {} : { snapshotCreatedAtMs: snapshot.createdAtMs };
  const order = autoOrder(catalog, requested);
  if (order !== undefined) {
    const candidates = explainAuto(catalog, snapshot, { order, atMs });
    return { requested, found: true, suggestions: [], candidates, ...snapshotAge };
  }
  // A bare `claude-…` means Anthropic's own on Anthropic paths; elsewhere only where nothing else has the name.
  const model =
    resolveModel(catalog, requested, 'openai-chat') ?? resolveModel(catalog, requested, 'anthropic-messages');
  if (model === undefined) {
    return { requested, found: false, suggestions: closestModels(catalog, requested), candidates: [], ...snapshotAge };
  }
  const candidates = explainPinned(catalog, snapshot, model);
  return { requested, resolved: model.id, found: true, suggestions: [], candidates, ...snapshotAge };
}

function explainPinned(
  catalog: Catalog,
  snapshot: RoutingSnapshotV1 | undefined,
  model: Model,
): ExplainedCandidateV1[] {
  const source = rankingOf(snapshot, model) === undefined ? 'the order of the catalog' : 'the order of the router';
  return describeAll(routedUpstreams(catalog, snapshot, model), (_, place) =>
    place === 0 ? `tried first, in ${source}` : `tried when the ${place} before it cannot serve, in ${source}`,
  );
}

function explainAuto(
  catalog: Catalog,
  snapshot: RoutingSnapshotV1 | undefined,
  policy: { order: readonly PolicyOrder[]; atMs: number },
): ExplainedCandidateV1[] {
  const mayChoose = globMatcher(catalog.auto.models);
  const routed = [...catalog.models.values()].flatMap((model) => {
    const upstreams = routedUpstreams(catalog, snapshot, model);
    const refusal =
      model.category !== 'llm'
        ? `an ${model.category} model cannot converse`
        : mayChoose(model.id)
          ? undefined
          : 'policies.auto.models does not let auto choose it';
    return refusal === undefined ? upstreams : upstreams.map((each) => ({ ...each, refusal }));
  });
  routed.sort((left, right) => compareByPolicy(policy, left, right));
  return describeAll(routed, (each, place) => {
    const standing = policy.order.map((criterion) => standingIn(criterion, each, policy.atMs)).join(', ');
    return place === 0 ? `tried first: ${standing}` : `tried when the ${place} before it cannot serve: ${standing}`;
  });
}

/** In the snapshot's order; upstreams it does not name follow, those that nothing can reach last. */
function routedUpstreams(catalog: Catalog, snapshot: RoutingSnapshotV1 | undefined, model: Model): Routed[] {
  const ranking = rankingOf(snapshot, model);
  const placeOf = ({ provider, model: name }: ModelUpstream): number => {
    const place = ranking?.findIndex((ranked) => ranked.provider === provider && ranked.model === name) ?? 0;
    return place === -1 ? Infinity : place;
  };
  const routed = model.upstreams.map((upstream): Routed => {
    const provider = catalog.providers.get(upstream.provider);
    if (provider !== undefined) return { model, upstream, provider };
    return { model, upstream, refusal: `the catalog has no provider ${upstream.provider}` };
  });
  return routed.sort((left, right) => compareNumbers(placeOf(left.upstream), placeOf(right.upstream)));
}

/** A model may be named like something that every object has. */
function rankingOf(
  snapshot: RoutingSnapshotV1 | undefined,
  { id }: Model,
): RoutingSnapshotV1['models'][string] | undefined {
  return snapshot !== undefined && Object.hasOwn(snapshot.models, id) ? snapshot.models[id] : undefined;
}

/** Those that would be tried first. */
function describeAll(routed: Routed[], reasonOf: (each: Routed, place: number) => string): ExplainedCandidateV1[] {
  const eligible = routed.filter(({ refusal }) => refusal === undefined);
  const refused = routed.filter(({ refusal }) => refusal !== undefined);
  return [
    ...eligible.map((each, place) => describe(each, reasonOf(each, place))),
    ...refused.map((each) => describe(each, each.refusal ?? '')),
  ];
}

function describe({ model, upstream, provider, refusal }: Routed, reason: string): ExplainedCandidateV1 {
  return {
    model: model.id,
    provider: upstream.provider,
    upstreamModel: upstream.model,
    tier: provider?.tier ?? 0,
    weight: upstream.weight,
    costUsdPerMillion: {
      input: usdPerMillionTokens(upstream.cost.input),
      output: usdPerMillionTokens(upstream.cost.output),
    },
    eligible: refusal === undefined,
    reason,
  };
}

/** Infinities differ by NaN, which sorts as nothing does. */
function compareNumbers(left: number, right: number): number {
  return left === right ? 0 : left < right ? -1 : 1;
}

function standingIn(criterion: PolicyOrder, { model, provider }: Routed, atMs: number): string {
  switch (criterion) {
    case 'tier':
      return `tier ${provider?.tier}`;
    case 'price': {
      const { input, output } = priceAt(model, atMs).prices;
      return `${usdPerMillionTokens(input)} + ${usdPerMillionTokens(output)} USD per million tokens in and out`;
    }
    case 'health':
      return 'health not measured yet';
  }
}
