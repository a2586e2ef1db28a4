import { drawOf, logNormalOf } from './draws';

export const HOUR_MS = 3_600_000;

/** Times are milliseconds since midnight. */
export interface DayRequest {
  index: number;
  atMs: number;
  inputTokens: number;
  /** How many of them, from the first on, its session sent before and sends again; 0: it belongs to none. */
  prefixTokens: number;
  session: number | undefined;
  /** Before a model makes more or fewer words of it. */
  outputTokens: number;
}

export interface DayOptions {
  seed: number;
  fromHour: number;
  toHour: number;
  /** Requests a second when most come. */
  peakPerSecond: number;
}

/** When most come, and how many, as a share of the peak. */
const RUSHES = [
  { hour: 10.5, share: 0.75 },
  { hour: 15, share: 0.95 },
  { hour: 20, share: 0.35 },
];
const RUSH_HOURS = 1.05;
const NIGHT_SHARE = 0.05;

const SESSION_SHARE = 0.6;
const SESSION_MS = 1_200_000;
const SESSION_TURNS = 12;

/** In the order they come. */
export function dayRequests({ seed, fromHour, toHour, peakPerSecond }: DayOptions): DayRequest[] {
  const requests: DayRequest[] = [];
  let atMs = fromHour * HOUR_MS;
  for (let step = 0; ; step++) {
    atMs += (-Math.log(1 - drawOf(seed, step, 10)) * 1000) / peakPerSecond;
    if (atMs >= toHour * HOUR_MS) return requests;
    const perSecond = peakPerSecond * shareOfPeak(atMs);
    // Thinned: as many as come at the peak are drawn all day, and most are left out.
    if (drawOf(seed, step, 11) * peakPerSecond >= perSecond) continue;
    requests.push(requestAt(seed, requests.length, { atMs, perSecond }));
  }
}

function shareOfPeak(atMs: number): number {
  let share = NIGHT_SHARE;
  for (const rush of RUSHES) share += rush.share * Math.exp(-(((atMs / HOUR_MS - rush.hour) / RUSH_HOURS) ** 2) / 2);
  return share;
}

function requestAt(seed: number, index: number, { atMs, perSecond }: { atMs: number; perSecond: number }): DayRequest {
  const outputTokens = Math.min(4_000, logNormalOf(260, 0.8, seed, index, 20));
  if (drawOf(seed, index, 21) >= SESSION_SHARE) {
    const inputTokens = Math.round(Math.min(100_000, logNormalOf(700, 1.3, seed, index, 22)));
    return { index, atMs, inputTokens, prefixTokens: 0, session: undefined, outputTokens };
  }
  const atOnce = Math.ceil((perSecond * SESSION_SHARE * SESSION_MS) / 1000 / SESSION_TURNS);
  const session = Math.floor(atMs / SESSION_MS) * 10_000 + Math.floor(drawOf(seed, index, 23) * atOnce);
  const prefixTokens = Math.round(Math.min(60_000, Math.max(1_200, logNormalOf(5_000, 0.8, seed, session, 24))));
  const inputTokens = prefixTokens + Math.round(logNormalOf(400, 1, seed, index, 25));
  return { index, atMs, inputTokens, prefixTokens, session, outputTokens };
}
