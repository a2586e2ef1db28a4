import type { KeyRecord } from '@switchboard/contracts';
import type { Candidate } from './plan';

/** Servers and proxies on the way take headers of 8 KB; the others need room too. */
const SHOWN_MAX = 20;

/**
 * Of every upstream that a request could go to, in one header: where it stands and why it was or was not chosen. For keys
 * that may see how the gateway decides; others are told that they may not, for a header that is ignored looks like a fault.
 */
export function routeShown(
  { permissions }: KeyRecord,
  candidates: readonly Candidate[],
  order: readonly Candidate[],
  nowMs: number,
): string {
  if (!permissions.includes('admin')) return 'not shown: the key lacks the permission "admin"';
  const places = new Map(order.map((candidate, place) => [candidate, place]));
  const leftOut = candidates.filter((candidate) => !places.has(candidate));
  const shown = [...order, ...leftOut].slice(0, SHOWN_MAX).map((candidate) => {
    const { model, provider, health, rank, weight } = candidate;
    const standing = health.standing(nowMs);
    return {
      model: model.id,
      upstream: provider.id,
      place: places.get(candidate) ?? null,
      standing,
      rank: standing === 'degraded' ? candidate.degradedRank : rank,
      weight,
      inFlight: health.inFlight,
      latencyMs: Math.round(health.latency.expectedMs(nowMs)),
      why: whyOf(candidate, nowMs) ?? (places.get(candidate) === 0 ? 'chosen' : 'next in order'),
    };
  });
  return asciiJson(shown);
}

/** Undefined: nothing is wrong with it. */
function whyOf({ health }: Candidate, nowMs: number): string | undefined {
  const { account, breaker, figures } = health;
  if (health.parkedForMs(nowMs) > 0) return `limited for ${Math.ceil(health.parkedForMs(nowMs))} ms more`;
  if (account.refusal !== undefined) return `the provider refuses the ${account.refusal}`;
  if (breaker.cause !== undefined) return `last failed: ${breaker.cause}`;
  if (figures?.reason !== undefined) return `router: ${figures.reason}`;
  return health.latency.isSlow(nowMs) ? 'far slower than usual' : undefined;
}

/** Headers are Latin-1 at best; a model may be called anything. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
