import { priceAt, type PolicyOrder } from '@switchboard/contracts';
import {
  expectedCost,
  expectedSeconds,
  hashText,
  lastResort,
  likelyCall,
  pick,
  type PolicyName,
  rankByPolicy,
  ranksOf,
  type RetryBudget,
} from '@switchboard/upstreams';
import { drawsFrom } from './draws';
import type { DayRequest } from './requests';
import { FIRST_TOKEN_TIMEOUT_MS } from './simulate';
import { exchangeFigures, type Candidate } from './upstream';
import type { World } from './world';

export interface DayPlan {
  /** Best first; empty: it is refused at once. */
  order: readonly Candidate[];
  /** Of the model that was planned first; absent: as many as there are providers. */
  retries?: RetryBudget | undefined;
}

/** Which providers a request goes to, one after the other until one answers. */
export interface DayPolicy {
  readonly name: string;
  plan(request: DayRequest, nowMs: number): DayPlan;
  /** Whether it is left out after a failure, for what became known of it since the request came. */
  leavesOut(candidate: Candidate, request: DayRequest, nowMs: number): boolean;
  /** Whether the gateway may send it one more call; the last of an order is sent what comes all the same. */
  hasRoom(candidate: Candidate): boolean;
  /** Once a second. */
  tick(nowMs: number): void;
}

/** The standard order of `auto`. */
const AUTO_ORDER: readonly PolicyOrder[] = ['tier', 'health', 'price'];

/** How an operator set the gateway up. */
export interface GatewaySetup {
  /** What the page calls it. */
  name: string;
  policy: PolicyName;
  /** Of `auto`. */
  order?: readonly PolicyOrder[];
  /** Calls that a provider may have at once, by its id; absent: it has no limit. */
  callsAtOnce?: Readonly<Record<string, number>>;
}

/** As the gateway decides: its health, its ranks, its pick, its retry budget. */
export function gatewayPolicy(
  { name, policy, order: autoOrder = AUTO_ORDER, callsAtOnce = {} }: GatewaySetup,
  candidates: readonly Candidate[],
  seed: number,
): DayPolicy {
  const random = drawsFrom(seed, 40);
  // Until the router has told more, all go by list price.
  let listed = byListPrice(candidates, autoOrder, 0);
  let listedUntilMs = nextPriceMs(candidates, 0);
  const listedFor = (request: DayRequest): readonly Candidate[] =>
    policy === 'auto:cheapest' ? cheapestFirst(candidates, request) : listed;
  return {
    name,
    plan: (request, nowMs) => {
      const choices = listedFor(request);
      const retries = choices[0]?.retries;
      retries?.request(nowMs);
      const affinity = () => (request.session === undefined ? undefined : hashText(`session ${request.session}`));
      const order = pick(choices, { nowMs, random, affinity, mayTry: true });
      if (order.length > 0) return { order, retries };
      const last = lastResort(choices, nowMs);
      return { order: last === undefined ? [] : [last], retries };
    },
    leavesOut: ({ health }, { atMs }, nowMs) =>
      health.standing(nowMs) === 'open' || health.breaker.answersNobodySince(atMs),
    hasRoom: ({ health, provider }) => health.inFlight < (callsAtOnce[provider.id] ?? Infinity),
    tick: (nowMs) => {
      exchangeFigures(candidates, nowMs);
      if (policy === 'auto:fastest') listed = fastestFirst(candidates, nowMs);
      if (policy === 'auto' && nowMs >= listedUntilMs) {
        listed = byListPrice(candidates, autoOrder, nowMs);
        listedUntilMs = nextPriceMs(candidates, nowMs);
      }
    },
  };
}

function byListPrice(candidates: readonly Candidate[], order: readonly PolicyOrder[], nowMs: number): Candidate[] {
  const compared = candidates.map(({ provider }) => {
    const { input, output } = priceAt(provider, nowMs).prices;
    return { tier: provider.tier, price: input + output };
  });
  const ranks = ranksOf(compared, order);
  const ranked = candidates.map((candidate, index) => ({ ...candidate, ...ranks[index] }));
  return ranked.sort((left, right) => left.rank - right.rank);
}

/** When another price takes effect; Infinity: none will. */
function nextPriceMs(candidates: readonly Candidate[], nowMs: number): number {
  const times = candidates.flatMap(({ provider }) => provider.pricing.map(({ effectiveFromMs }) => effectiveFromMs));
  return Math.min(...times.filter((atMs) => atMs > nowMs));
}

/** By what this request is likely to cost there, as the edge ranks them for each. */
function cheapestFirst(candidates: readonly Candidate[], { inputTokens, atMs }: DayRequest): Candidate[] {
  const priced = candidates.map((candidate) => {
    const call = likelyCall(candidate.health.figures ?? {}, inputTokens);
    return { candidate, cost: expectedCost(priceAt(candidate.provider, atMs).prices, call) };
  });
  priced.sort((left, right) => left.cost - right.cost || left.candidate.provider.tier - right.candidate.provider.tier);
  return priced.map(({ candidate }, rank) => ({ ...candidate, rank, degradedRank: rank + candidates.length }));
}

/** As the router ranks them once a second. */
function fastestFirst(candidates: readonly Candidate[], nowMs: number): Candidate[] {
  const standings = candidates.map((candidate) => {
    const { provider, health } = candidate;
    const figures = health.figures ?? {};
    const cost = expectedCost(priceAt(provider, nowMs).prices, likelyCall(figures));
    return {
      ...{ candidate, tier: provider.tier, state: health.standing(nowMs) },
      ...{ cost, seconds: expectedSeconds(figures) },
    };
  });
  return rankByPolicy('auto:fastest', AUTO_ORDER, standings).map(({ candidate: { candidate }, rank }) => ({
    ...{ ...candidate, rank },
    degradedRank: rank + candidates.length + 1,
  }));
}

/** Minds nothing but its order. */
const UNBOUND = { leavesOut: () => false, hasRoom: () => true, tick: () => undefined };

/** Each in turn, and after a failure the next one, until one answers: no memory of what failed. */
export function roundRobin(candidates: readonly Candidate[]): DayPolicy {
  return {
    name: 'round-robin',
    plan: ({ index }) => {
      const first = index % candidates.length;
      return { order: [...candidates.slice(first), ...candidates.slice(0, first)] };
    },
    ...UNBOUND,
  };
}

/** Knows how every provider truly is, and what the request would come to there. */
export function oracle(aim: 'cost' | 'latency', candidates: readonly Candidate[], world: World): DayPolicy {
  const plan = (request: DayRequest, nowMs: number): DayPlan => {
    let best: Candidate | undefined;
    let least = Infinity;
    for (const candidate of candidates) {
      const reply = world.foresee(request, candidate.index, nowMs);
      // Of what is slower than that, noise may make a failure.
      if (reply.kind !== 'answered' || reply.firstTokenMs > FIRST_TOKEN_TIMEOUT_MS / 2) continue;
      const value = aim === 'cost' ? reply.costNanoUsd : reply.firstTokenMs + reply.streamedMs;
      if (value < least) [best, least] = [candidate, value];
    }
    return { order: best === undefined ? [] : [best] };
  };
  return { name: `oracle of ${aim}`, plan, ...UNBOUND };
}
