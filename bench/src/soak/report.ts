import { markdownTable } from '../markdown-table';
import { runLines, type RunDescription } from '../run-description';
import { median, slope } from '../statistics';
import { verdict } from '../targets';
import type { SoakResult } from './measure';
import type { SoakOptions } from './options';

const msPerHour = 3_600_000;
/** Of the time: until the heap has its size and the code is compiled. */
const warmShare = 0.25;
/** Of the memory: what it may grow by in the rest of the time, to be flat. */
const growthMost = 0.05;
/** How many times its first third p99 may be in the last one, to have no drift. */
const driftMost = 1.25;

export interface SoakFigures {
  /** Of resident memory, fitted, after the warm-up. */
  slopeMbPerHour: number;
  /** What that comes to in the time it was fitted over, to the memory at its beginning. */
  growth: number;
  isFlat: boolean;
  /** p99 of the last third to that of the first, medians, after the warm-up. */
  p99Drift: number;
  isSteady: boolean;
}

export function soakFigures({ memory, windows }: Pick<SoakResult, 'memory' | 'windows'>): SoakFigures {
  const warm = memory.slice(Math.floor(memory.length * warmShare));
  const slopePerMs = slope(warm.map(({ atMs, mb }) => [atMs, mb]));
  const [first, last] = [warm[0], warm.at(-1)];
  const growth =
    first === undefined || last === undefined ? Number.NaN : ((last.atMs - first.atMs) * slopePerMs) / first.mb;
  const p99Ms = windows.slice(Math.floor(windows.length * warmShare)).map((window) => window.p99Ms);
  const third = Math.max(1, Math.floor(p99Ms.length / 3));
  const p99Drift = median(p99Ms.slice(-third)) / median(p99Ms.slice(0, third));
  return {
    ...{ slopeMbPerHour: slopePerMs * msPerHour, growth, isFlat: growth <= growthMost },
    ...{ p99Drift, isSteady: p99Drift <= driftMost },
  };
}

export function soakBody(result: SoakResult): string {
  const { slopeMbPerHour, growth, isFlat, p99Drift, isSteady } = soakFigures(result);
  const rows = result.windows.map(({ endedAtMs, requests, p50Ms, p99Ms, latenessMs, cpuShare }) => [
    ...[(endedAtMs / 60_000).toFixed(1), String(requests), p50Ms.toFixed(2), p99Ms.toFixed(2), latenessMs.toFixed(2)],
    `${(cpuShare * 100).toFixed(0)} %`,
    (result.memory.findLast(({ atMs }) => atMs <= endedAtMs)?.mb ?? Number.NaN).toFixed(1),
  ]);
  const header = ['minute', 'requests', 'p50 ms', 'p99 ms', 'sent late, p99 ms', 'of its core', 'RSS MB'];
  const worked = Number.isNaN(result.workedOffMs)
    ? ''
    : `\n- Usage was worked off ${(result.workedOffMs / 1000).toFixed(1)} s after the last request.`;
  return `${result.perSecond} requests/s; ${result.saturation.toFixed(0)} is what a closed loop gets through.

- RSS: ${slopeMbPerHour.toFixed(1)} MB/h fitted, ${(growth * 100).toFixed(1)} % in that time; flat (at most ${growthMost * 100} %): ${verdict(isFlat)}
- p99, last third to first: ${p99Drift.toFixed(2)}; no drift (at most ${driftMost}): ${verdict(isSteady)}${worked}

${markdownTable(header, rows)}`;
}

export function soakPage(
  run: RunDescription,
  result: SoakResult,
  { subject, share, windowMs, windows }: SoakOptions,
): string {
  return `# Soak: ${subject}

${runLines(run)}.

\`npm run bench:soak -- --minutes ${Math.round((windows * windowMs) / 60_000)}\` makes these figures anew: 1 KB, whole, open loop, with everything on. Every ten seconds the rate is steered so that
the subject takes ${share * 100} % of its core; the rate to begin with is searched for before, and a closed loop of 32 connections shows what gets
through at most. The first quarter is left out of slope and drift: heap and compiled code find their size in it.

${soakBody(result)}
`;
}
