import type { PriceSchedule, Prices } from '@switchboard/contracts';
import { HOUR_MS } from './requests';

const MINUTE_MS = 60_000;

/** A provider with its one model: all five answer as well as each other. */
export interface SimulatedProvider {
  id: string;
  tier: number;
  pricing: PriceSchedule;
  /** Usually, of a prompt of no length. */
  firstTokenMs: number;
  /** For each input token that is not in its cache. */
  prefillMs: number;
  tokensPerSecond: number;
  /** How much longer than others its model answers. */
  wordiness: number;
  cachesPrompts: boolean;
  /** The hour at which it is slowest, by a quarter. */
  slowestHour: number;
  /** When it takes twice as long for everything. */
  rush?: { fromMs: number; toMs: number };
  /** Calls that it serves at full speed, and from how many on it refuses any more. */
  room?: { calls: number; most: number };
  rateLimit?: { perSecond: number; burst: number; retryAfterMs: number };
}

export type FaultKind = 'dead' | 'hung' | 'slow' | 'failing' | 'flapping';

export interface Fault {
  provider: string;
  kind: FaultKind;
  fromMs: number;
  toMs: number;
}

/** Dollars for a million tokens. */
function usd(input: number, output: number, cacheRead = input): Prices {
  const pico = (dollars: number): number => Math.round(dollars * 1_000_000);
  const cacheWrite = { cacheWrite5m: pico(input), cacheWrite1h: pico(input) };
  return { input: pico(input), output: pico(output), cacheRead: pico(cacheRead), ...cacheWrite };
}

function prices(first: Prices, ...later: [fromHour: number, prices: Prices][]): PriceSchedule {
  return [
    { version: 'v1', effectiveFromMs: 0, prices: first },
    ...later.map(([hour, changed], index) => ({
      version: `v${index + 2}`,
      effectiveFromMs: hour * HOUR_MS,
      prices: changed,
    })),
  ];
}

export const PROVIDERS: readonly SimulatedProvider[] = [
  {
    ...{ id: 'own', tier: 0, pricing: prices(usd(0.02, 0.08, 0.002)) },
    ...{ firstTokenMs: 350, prefillMs: 0.06, tokensPerSecond: 60, wordiness: 1 },
    ...{ cachesPrompts: true, slowestHour: 0, room: { calls: 14, most: 32 } },
  },
  {
    ...{ id: 'thrift', tier: 1, pricing: prices(usd(0.25, 1), [18, usd(0.5, 2)]) },
    ...{ firstTokenMs: 1_100, prefillMs: 0.1, tokensPerSecond: 35, wordiness: 1.3 },
    ...{ cachesPrompts: false, slowestHour: 16, rateLimit: { perSecond: 1.5, burst: 20, retryAfterMs: 8_000 } },
  },
  {
    ...{ id: 'mid-a', tier: 1, pricing: prices(usd(1, 4, 0.25), [8, usd(0.5, 2, 0.125)]) },
    ...{ firstTokenMs: 600, prefillMs: 0.05, tokensPerSecond: 70, wordiness: 1.1 },
    ...{ cachesPrompts: true, slowestHour: 11 },
  },
  {
    ...{ id: 'mid-b', tier: 1, pricing: prices(usd(0.5, 2, 0.05)) },
    ...{ firstTokenMs: 500, prefillMs: 0.05, tokensPerSecond: 80, wordiness: 0.8 },
    ...{ cachesPrompts: true, slowestHour: 20, rush: { fromMs: 14 * HOUR_MS, toMs: 16 * HOUR_MS } },
  },
  {
    ...{ id: 'swift', tier: 1, pricing: prices(usd(3, 12, 0.3)) },
    ...{ firstTokenMs: 220, prefillMs: 0.02, tokensPerSecond: 170, wordiness: 1 },
    ...{ cachesPrompts: true, slowestHour: 15 },
  },
];

function fault(provider: string, kind: FaultKind, hour: number, minutes: number): Fault {
  return { provider, kind, fromMs: hour * HOUR_MS, toMs: hour * HOUR_MS + minutes * MINUTE_MS };
}

/** Each kind meets a provider that is cheap and one that is fast. */
export const FAULTS: readonly Fault[] = [
  fault('own', 'dead', 9.5, 20),
  fault('mid-b', 'failing', 10, 60),
  fault('swift', 'dead', 10.5, 20),
  fault('thrift', 'hung', 11.25, 5),
  fault('swift', 'slow', 12, 30),
  fault('own', 'hung', 13.5, 5),
  fault('own', 'slow', 14, 30),
  fault('swift', 'hung', 15.25, 5),
  fault('swift', 'failing', 16, 60),
  fault('own', 'failing', 17.25, 60),
  fault('own', 'flapping', 19, 30),
  fault('swift', 'flapping', 20, 30),
];

/** Of a flapping one: so long it serves, and so long it is dead. */
const FLAP_MS = 20_000;

/** What is wrong with a provider; a flapping one is dead or nothing is. */
export function faultAt(provider: string, nowMs: number, faults: readonly Fault[]): FaultKind | undefined {
  const found = faults.find((each) => each.provider === provider && each.fromMs <= nowMs && nowMs < each.toMs);
  if (found?.kind !== 'flapping') return found?.kind;
  return Math.floor((nowMs - found.fromMs) / FLAP_MS) % 2 === 0 ? 'dead' : undefined;
}
