import { picoUsdPerToken, type PriceSchedule, type PriceVersion, type Prices } from '@switchboard/contracts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/**
 * What goes wrong. `refuses`: connections; `fails`: 500s; `limits`: 429s; `hangs`: no answer ever; `slow`: times as long until
 * the first token, and for each after it.
 */
export type Ailment =
  | { kind: 'refuses' | 'hangs' }
  | { kind: 'fails'; share: number }
  | { kind: 'limits'; share: number; retryAfterMs: number }
  | { kind: 'slow'; times: number };

export type Incident = Ailment & { fromMs: number; toMs: number };

/** A provider, with the one model it has, as it is on this day. */
export interface DayProvider {
  id: string;
  tier: number;
  pricing: PriceSchedule;
  /** Median until the first token where nobody else asks, in milliseconds. */
  firstTokenMs: number;
  tokensPerSecond: number;
  /** Calls at the same time from which on everything takes longer. */
  capacity: number;
  incidents: readonly Incident[];
}

const at = (hours: number, minutes = 0): number => hours * HOUR_MS + minutes * 60_000;

const incident = (from: number, minutes: number, ailment: Ailment): Incident => {
  return { ...ailment, fromMs: from, toMs: from + minutes * 60_000 };
};

/** USD per million tokens, of input and output, from so many hours on. */
function pricesFrom(first: [number, number, number], ...later: [number, number, number][]): PriceSchedule {
  const version = ([hours, input, output]: [number, number, number], index: number): PriceVersion => {
    const [inputPrice, outputPrice] = [picoUsdPerToken(input), picoUsdPerToken(output)];
    const cached = { cacheRead: inputPrice, cacheWrite5m: inputPrice, cacheWrite1h: inputPrice };
    const prices: Prices = { input: inputPrice, output: outputPrice, ...cached };
    return { version: `v${index + 1}`, effectiveFromMs: at(hours), prices };
  };
  return [version(first, 0), ...later.map((each, index) => version(each, index + 1))];
}

/** Five models of five providers, any of which will do. */
export const PROVIDERS: readonly DayProvider[] = [
  {
    ...{ id: 'own-gpus', tier: 0, firstTokenMs: 350, tokensPerSecond: 45, capacity: 6 },
    pricing: pricesFrom([0, 0.6, 2.4]),
    incidents: [incident(at(3, 10), 25, { kind: 'refuses' }), incident(at(16), 12, { kind: 'hangs' })],
  },
  {
    ...{ id: 'flat-rate', tier: 1, firstTokenMs: 700, tokensPerSecond: 60, capacity: 8 },
    pricing: pricesFrom([0, 0.5, 2]),
    incidents: [
      incident(at(10, 30), 60, { kind: 'limits', share: 0.7, retryAfterMs: 15_000 }),
      incident(at(18), 15, { kind: 'fails', share: 1 }),
    ],
  },
  {
    ...{ id: 'cloud-a', tier: 2, firstTokenMs: 450, tokensPerSecond: 80, capacity: 200 },
    pricing: pricesFrom([0, 3, 15], [14, 2, 10]),
    incidents: [
      incident(at(9), 20, { kind: 'fails', share: 0.5 }),
      incident(at(20), 60, { kind: 'refuses' }),
      incident(at(22, 30), 5, { kind: 'hangs' }),
    ],
  },
  {
    ...{ id: 'cloud-b', tier: 2, firstTokenMs: 900, tokensPerSecond: 50, capacity: 200 },
    pricing: pricesFrom([0, 0.2, 0.8], [8, 0.8, 3.2], [18, 0.2, 0.8]),
    incidents: [
      incident(at(5), 40, { kind: 'slow', times: 8 }),
      incident(at(11), 90, { kind: 'slow', times: 5 }),
      incident(at(21), 10, { kind: 'fails', share: 1 }),
    ],
  },
  {
    ...{ id: 'cloud-c', tier: 2, firstTokenMs: 250, tokensPerSecond: 140, capacity: 20 },
    pricing: pricesFrom([0, 5, 25], [12, 4, 20]),
    incidents: [
      incident(at(7), 15, { kind: 'refuses' }),
      incident(at(13), 30, { kind: 'limits', share: 1, retryAfterMs: 20_000 }),
      incident(at(19), 45, { kind: 'slow', times: 10 }),
    ],
  },
];
