import {
  type Catalog,
  type ExplainedCandidateV1,
  type ExplainRequestV1,
  type ExplanationV1,
  type Model,
  type ModelUpstream,
  type RoutedModelV2,
  type RoutedPolicyV2,
  type RoutingHeadV2,
} from '@switchboard/contracts';
import { closestModels, globMatcher, resolveModel } from '@switchboard/platform';
import { choiceName, isPolicyName, type PolicyName, rankByPolicy, upstreamName } from '@switchboard/upstreams';
import { describeAll, describeUnreachable, measureOf, type Standing } from './explained-candidate';
import { type FindingOf, modelCandidates, UNKNOWN } from './routing';

/** What was published last. */
export interface RoutingSnapshot {
  readonly head: RoutingHeadV2 | undefined;
  model(id: string): RoutedModelV2 | undefined;
  policy(name: PolicyName): RoutedPolicyV2 | undefined;
}

/**
 * What a request for this name would try and in which order, of everything the catalog offers: what a certain key may
 * use, what a certain request needs, and what an edge has met itself, narrow it further there.
 */
export function explain(
  { model: requested, atMs }: ExplainRequestV1 & { atMs: number },
  catalog: Catalog,
  snapshot: RoutingSnapshot,
): ExplanationV1 {
  const { head } = snapshot;
  const of = head === undefined ? {} : { snapshotCreatedAtMs: head.createdAtMs, snapshotVersion: head.version };
  const reading = { catalog, snapshot, atMs };
  if (isPolicyName(requested)) {
    return { requested, found: true, suggestions: [], candidates: explainPolicy(requested, reading), ...of };
  }
  // A bare `claude-…` means Anthropic's own on Anthropic paths; elsewhere only where nothing else has the name.
  const model =
    resolveModel(catalog, requested, 'openai-chat') ?? resolveModel(catalog, requested, 'anthropic-messages');
  if (model === undefined) {
    return { requested, found: false, suggestions: closestModels(catalog, requested), candidates: [], ...of };
  }
  const candidates = explainPinned(model, reading);
  return { requested, resolved: model.id, found: true, suggestions: [], candidates, ...of };
}

interface Reading {
  catalog: Catalog;
  snapshot: RoutingSnapshot;
  atMs: number;
}

function explainPinned(model: Model, reading: Reading): ExplainedCandidateV1[] {
  const isRanked = reading.snapshot.model(model.id) !== undefined;
  const source = isRanked ? 'the order of the router' : 'the order of the catalog';
  const described = describeAll(standingsOf(model, reading), () => `in ${source}`, ', ');
  return [...described, ...unreachable(model, reading)];
}

function explainPolicy(policy: PolicyName, reading: Reading): ExplainedCandidateV1[] {
  const { catalog, snapshot } = reading;
  const mayChoose = globMatcher(catalog.auto.models);
  const models = [...catalog.models.values()];
  const barred: Standing[] = [];
  const standings: Standing[] = [];
  for (const model of models) {
    const reason = model.category !== 'llm' ? CANNOT_CONVERSE(model) : mayChoose(model.id) ? undefined : NOT_OFFERED;
    for (const standing of standingsOf(model, reading)) {
      if (reason === undefined) standings.push(standing);
      else barred.push({ ...standing, barred: reason });
    }
  }
  const ordered = inPolicyOrder(policy, catalog, snapshot.policy(policy), standings);
  return [
    ...describeAll([...ordered, ...barred], (standing) => measureOf(policy, catalog.auto.order, standing), ': '),
    ...models.flatMap((model) => unreachable(model, reading)),
  ];
}

const CANNOT_CONVERSE = ({ category }: Model): string => `an ${category} model cannot converse`;
const NOT_OFFERED = 'policies.auto.models does not let auto choose it';

/** As it was published; what came since, last. Where nothing was: as it would be. */
function inPolicyOrder(
  policy: PolicyName,
  catalog: Catalog,
  published: RoutedPolicyV2 | undefined,
  standings: Standing[],
): Standing[] {
  if (published === undefined) {
    const compared = standings.map((standing) => ({ ...standing.candidate, standing }));
    return rankByPolicy(policy, catalog.auto.order, compared).map(({ candidate: { standing }, rank }) => ({
      ...standing,
      rank,
    }));
  }
  const places = new Map(
    published.ranked.map((choice, place) => [
      choiceName(choice.model, { provider: choice.provider, model: choice.upstreamModel }),
      { place, rank: choice.rank },
    ]),
  );
  const placed = standings.map((standing) => {
    const { model, upstream } = standing.candidate;
    const found = places.get(choiceName(model.id, upstream));
    if (found === undefined) return { place: places.size, standing: { ...standing, isNew: true } };
    return { place: found.place, standing: { ...standing, rank: found.rank } };
  });
  return placed.sort((left, right) => left.place - right.place).map(({ standing }) => standing);
}

/** Those that can be reached, in the order that was published; what came since, last. */
function standingsOf(model: Model, { catalog, snapshot, atMs }: Reading): Standing[] {
  const published = snapshot.model(model.id)?.upstreams;
  const placeOf = (upstream: ModelUpstream): number =>
    published?.findIndex((ranked) => upstreamName(ranked) === upstreamName(upstream)) ?? -1;
  const findingOf: FindingOf = (upstream) => {
    const found = published?.[placeOf(upstream)];
    return found === undefined ? UNKNOWN : { ...found, figures: found };
  };
  const placed = modelCandidates(catalog, model, findingOf, atMs).map((candidate) => {
    const place = published === undefined ? model.upstreams.indexOf(candidate.upstream) : placeOf(candidate.upstream);
    const found = published?.[place];
    const isNew = published !== undefined && found === undefined;
    const standing: Standing = { candidate, isNew, ...(found !== undefined && { found }) };
    return { place: place === -1 ? Infinity : place, standing };
  });
  placed.sort((left, right) => (left.place === right.place ? 0 : left.place < right.place ? -1 : 1));
  return placed.map(({ standing }) => standing);
}

function unreachable(model: Model, { catalog }: Reading): ExplainedCandidateV1[] {
  return model.upstreams
    .filter(({ provider }) => !catalog.providers.has(provider))
    .map((upstream) => describeUnreachable(model, upstream));
}
