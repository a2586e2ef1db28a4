import { percentile } from '../statistics';
import type { Fault } from './providers';
import type { Served } from './simulate';
import type { World } from './world';

const MINUTE_MS = 60_000;

/** A day by one policy. */
export interface DaySummary {
  requests: number;
  /** Clients that got an error. */
  failed: number;
  attempts: number;
  costUsd: number;
  /** Milliseconds from when a request came. */
  firstTokenMs: { p50: number; p95: number; p99: number };
  wholeMs: { mean: number; p50: number; p95: number };
  /** Of requests that came while a provider was down, 0 to 1: those sent there, be it first or later. */
  sentToDownShare: number;
  /** How often another provider served most of a minute than of the minute before, an hour. */
  switchesPerHour: number;
  /** Of the requests served, 0 to 1, by provider. */
  servedShare: number[];
}

export function summarize(served: readonly Served[], world: World): DaySummary {
  const replies = served.flatMap(({ reply }) => (reply === undefined ? [] : [reply]));
  const firstTokens = replies.map(({ firstTokenMs }) => firstTokenMs);
  const wholes = replies.map(({ wholeMs }) => wholeMs);
  const countOf = (index: number): number => replies.filter(({ provider }) => provider === index).length;
  return {
    requests: served.length,
    failed: served.length - replies.length,
    attempts: served.reduce((sum, { tried }) => sum + tried.length, 0),
    costUsd: replies.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0) / 1e9,
    firstTokenMs: {
      ...{ p50: percentile(firstTokens, 0.5), p95: percentile(firstTokens, 0.95), p99: percentile(firstTokens, 0.99) },
    },
    wholeMs: {
      mean: wholes.reduce((sum, wholeMs) => sum + wholeMs, 0) / wholes.length,
      ...{ p50: percentile(wholes, 0.5), p95: percentile(wholes, 0.95) },
    },
    sentToDownShare: sentToDownShare(served, world),
    switchesPerHour: switchesPerHour(served),
    servedShare: world.providers.map((_, index) => countOf(index) / replies.length),
  };
}

function sentToDownShare(served: readonly Served[], world: World): number {
  const meanwhile = served.filter(({ request }) => world.isAnyDown(request.atMs));
  const sent = meanwhile.filter(({ request, tried }) => tried.some((index) => world.isDown(index, request.atMs)));
  return meanwhile.length === 0 ? 0 : sent.length / meanwhile.length;
}

function switchesPerHour(served: readonly Served[]): number {
  const minutes = new Map<number, Map<number, number>>();
  for (const { request, reply } of served) {
    if (reply === undefined) continue;
    const minute = Math.floor(request.atMs / MINUTE_MS);
    const counts = minutes.get(minute) ?? new Map<number, number>();
    minutes.set(minute, counts.set(reply.provider, (counts.get(reply.provider) ?? 0) + 1));
  }
  const favourites = [...minutes.values()].map((counts) => [...counts].sort(([, a], [, b]) => b - a)[0]?.[0]);
  const switches = favourites.filter((each, index) => index > 0 && each !== favourites[index - 1]).length;
  return (60 * switches) / Math.max(1, favourites.length);
}

/** What a fault came to for those who sent requests while it lasted. */
export interface FaultSummary {
  requests: number;
  /** Of the requests, those sent to the faulty provider, be it first or later. */
  sent: number;
  failed: number;
  /** Ninety-ninth percentile, milliseconds; 0: nothing was served. */
  firstTokenMs: number;
}

export function summarizeFault(served: readonly Served[], fault: Fault, world: World): FaultSummary {
  const index = world.providers.findIndex(({ id }) => id === fault.provider);
  const meanwhile = served.filter(({ request: { atMs } }) => fault.fromMs <= atMs && atMs < fault.toMs);
  const firstTokens = meanwhile.flatMap(({ reply }) => (reply === undefined ? [] : [reply.firstTokenMs]));
  return {
    requests: meanwhile.length,
    sent: meanwhile.filter(({ tried }) => tried.includes(index)).length,
    failed: meanwhile.length - firstTokens.length,
    firstTokenMs: firstTokens.length === 0 ? 0 : percentile(firstTokens, 0.99),
  };
}
