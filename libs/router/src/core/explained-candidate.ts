import {
  type ExplainedCandidateV1,
  type Model,
  type ModelUpstream,
  type PolicyOrder,
  type RankedUpstreamV2,
  usdFromNano,
  usdPerMillionTokens,
} from '@switchboard/contracts';
import { expectedSeconds, type PolicyName } from '@switchboard/upstreams';
import type { Candidate } from './routing';
import { seconds } from './wording';

/** A candidate and where it stands. */
export interface Standing {
  candidate: Candidate;
  /** As it was published. */
  found?: RankedUpstreamV2;
  /** It came after what was published. */
  isNew: boolean;
  /** Place by the policy. */
  rank?: number;
  /** Why the name that was asked for never chooses it. */
  barred?: string;
}

/** Those that would be tried first, in their order; `whyOf`: why there. */
export function describeAll(
  standings: readonly Standing[],
  whyOf: (standing: Standing) => string,
  separator: string,
): ExplainedCandidateV1[] {
  const eligible = standings.filter((standing) => refusalOf(standing) === undefined);
  const refused = standings.filter((standing) => refusalOf(standing) !== undefined);
  return [
    ...eligible.map((standing, place) => {
      const when = place === 0 ? 'tried first' : `tried when the ${place} before it cannot serve`;
      const reason = `${when}${separator}${whyOf(standing)}${asFound(standing)}`;
      return describe(standing, { eligible: true, reason });
    }),
    ...refused.map((standing) => describe(standing, { eligible: false, reason: refusalOf(standing) ?? '' })),
  ];
}

/** Nothing can reach it: the catalog does not have its provider. */
export function describeUnreachable(model: Model, upstream: ModelUpstream): ExplainedCandidateV1 {
  const reason = `the catalog has no provider ${upstream.provider}`;
  return { ...described(model, upstream), tier: 0, eligible: false, reason };
}

/** What the policy compares of it, in words. */
export function measureOf(policy: PolicyName, order: readonly PolicyOrder[], { candidate }: Standing): string {
  const { tier, state, cost, seconds: expected } = candidate;
  const price = `${cost === 0 ? 0 : Number(usdFromNano(cost).toPrecision(3))} USD for a call as usual`;
  switch (policy) {
    case 'auto':
      return order.map((criterion) => ({ tier: `tier ${tier}`, health: state, price })[criterion]).join(', ');
    case 'auto:cheapest':
      return `${price}, ${state}, tier ${tier}`;
    case 'auto:fastest':
      if (expected === undefined) return `speed not measured yet, ${state}, tier ${tier}`;
      return `${seconds(1000 * expected)} for a reply as usual, ${state}`;
  }
}

function refusalOf({ barred, found }: Standing): string | undefined {
  if (barred !== undefined) return barred;
  return found?.state === 'open' ? `not tried now: ${found.reason ?? 'it fails'}` : undefined;
}

function asFound({ found, isNew }: Standing): string {
  if (isNew) return '; the router has not ranked it yet';
  if (found === undefined || found.state === 'healthy') return '';
  return `; ${found.state}: ${found.reason ?? 'it fails'}`;
}

function describe(
  { candidate, found, rank }: Standing,
  verdict: Pick<ExplainedCandidateV1, 'eligible' | 'reason'>,
): ExplainedCandidateV1 {
  const { model, upstream, tier, cost } = candidate;
  const expected = found && expectedSeconds(found);
  return {
    ...described(model, upstream),
    ...{ tier, ...verdict },
    ...(found !== undefined && { state: found.state }),
    ...(found?.reason !== undefined && { stateReason: found.reason }),
    ...(rank !== undefined && { rank }),
    expectedCostUsd: usdFromNano(Math.round(cost)),
    ...(expected !== undefined && { expectedSeconds: Number(expected.toPrecision(3)) }),
    ...(found?.firstTokenMs !== undefined && { firstTokenMs: found.firstTokenMs }),
    ...(found?.tokensPerSecond !== undefined && { tokensPerSecond: found.tokensPerSecond }),
    ...(found?.outputTokens !== undefined && { outputTokens: found.outputTokens }),
    ...(found?.cacheHitRate !== undefined && { cacheHitRate: found.cacheHitRate }),
  };
}

function described(model: Model, upstream: ModelUpstream) {
  return {
    model: model.id,
    provider: upstream.provider,
    upstreamModel: upstream.model,
    weight: upstream.weight,
    costUsdPerMillion: {
      input: usdPerMillionTokens(upstream.cost.input),
      output: usdPerMillionTokens(upstream.cost.output),
    },
  };
}
