import { Random } from '../chaos/random';
import { DAY_MS, HOUR_MS } from './providers';

/** One request of the day; the same to every way of routing, and so is its luck. */
export interface DayRequest {
  dueMs: number;
  inputTokens: number;
  /** Whoever answers. */
  outputTokens: number;
  /** Per provider, in the order of the providers. */
  luck: readonly Luck[];
}

/** What chance has for a request at one provider. */
export interface Luck {
  /** Of the usual time to the first token. */
  latencyTimes: number;
  /** 0 to 1: below the share of an ailment it meets it. */
  ailing: number;
}

/** Around 14:00 most, ten hours later or earlier least. */
const BUSIEST_MS = 14 * HOUR_MS;
const LEAST_OF_BUSIEST = 0.15;
export const INPUT_TOKENS = { median: 1_500, spread: 1 };
export const OUTPUT_TOKENS = { median: 300, spread: 0.8 };
const LATENCY_SPREAD = 0.35;

/** `count` of them, in the order they are due. */
export function requestsOfDay(count: number, providers: number, seed: number): DayRequest[] {
  const random = new Random(seed);
  const dueMs: number[] = [];
  while (dueMs.length < count) {
    const atMs = random.next() * DAY_MS;
    if (random.next() < loadAt(atMs)) dueMs.push(atMs);
  }
  return dueMs
    .sort((one, other) => one - other)
    .map((atMs) => ({
      dueMs: atMs,
      inputTokens: Math.ceil(spread(random, INPUT_TOKENS)),
      outputTokens: Math.ceil(spread(random, OUTPUT_TOKENS)),
      luck: Array.from({ length: providers }, () => ({
        latencyTimes: spread(random, { median: 1, spread: LATENCY_SPREAD }),
        ailing: random.next(),
      })),
    }));
}

/** Of the busiest moment, 0 to 1. */
function loadAt(atMs: number): number {
  const wave = (1 + Math.cos((2 * Math.PI * (atMs - BUSIEST_MS)) / DAY_MS)) / 2;
  return LEAST_OF_BUSIEST + (1 - LEAST_OF_BUSIEST) * wave;
}

/** Log-normal; `spread` is that of the logarithm. */
function spread(random: Random, { median, spread: sigma }: { median: number; spread: number }): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return median * Math.exp(sigma * normal);
}
