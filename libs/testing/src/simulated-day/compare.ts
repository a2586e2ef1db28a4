import { Random } from '../chaos/random';
import { percentile } from '../failover/moves';
import { DayWorld } from './day-world';
import { GatewayWay } from './gateway-way';
import { PROVIDERS, type DayProvider } from './providers';
import { requestsOfDay } from './requests';
import { runDay, type DayResult } from './run-day';
import { Oracle, RoundRobin, type Way } from './ways';

export interface DayOptions {
  requests: number;
  seed: number;
}

/** How the day went by one way of routing. */
export interface DayFigures {
  way: string;
  failed: number;
  /** Of those answered, in milliseconds from when they were due. */
  firstToken: { p50Ms: number; p99Ms: number };
  total: { meanMs: number; p99Ms: number };
  nanoUsd: number;
  /** Calls to providers per request. */
  attempts: number;
  /** Of those answered, by provider. */
  shares: number[];
}

/** Every way of routing over the same day: the same requests, the same luck, the same incidents. */
export function compareDays({ requests: count, seed }: DayOptions, providers = PROVIDERS): DayFigures[] {
  const requests = requestsOfDay(count, providers.length, seed);
  return waysOver(providers, seed).map((make) => {
    const world = new DayWorld(providers);
    const way = make(world);
    return figuresOf(way, runDay(way, world, requests), providers);
  });
}

function waysOver(providers: readonly DayProvider[], seed: number): ((world: DayWorld) => Way)[] {
  return [
    (world) => new Oracle('oracle: cheapest', world, ({ costNanoUsd }) => costNanoUsd),
    () => new GatewayWay('auto:cheapest', providers, new Random(seed + 1)),
    () => new GatewayWay('auto', providers, new Random(seed + 1)),
    () => new GatewayWay('auto:fastest', providers, new Random(seed + 1)),
    (world) => new Oracle('oracle: fastest', world, ({ endsAfterMs }) => endsAfterMs),
    (world) => new RoundRobin(world),
  ];
}

function figuresOf(way: Way, results: readonly DayResult[], providers: readonly DayProvider[]): DayFigures {
  const answered = results.filter(({ provider }) => provider !== undefined);
  const sumOf = (value: (result: DayResult) => number): number => results.reduce((sum, each) => sum + value(each), 0);
  const firstTokens = answered.map(({ firstTokenMs }) => firstTokenMs);
  const totals = answered.map(({ totalMs }) => totalMs);
  return {
    way: way.name,
    failed: results.length - answered.length,
    firstToken: { p50Ms: percentile(firstTokens, 0.5) ?? NaN, p99Ms: percentile(firstTokens, 0.99) ?? NaN },
    total: {
      meanMs: totals.reduce((sum, each) => sum + each, 0) / totals.length,
      p99Ms: percentile(totals, 0.99) ?? NaN,
    },
    nanoUsd: sumOf(({ costNanoUsd }) => costNanoUsd),
    attempts: sumOf(({ attempts }) => attempts) / results.length,
    shares: providers.map(
      (_provider, index) => answered.filter((each) => each.provider === index).length / answered.length,
    ),
  };
}
