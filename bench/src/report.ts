import { markdownTable } from './markdown-table';
import type { Rounds } from './measure';
import { runLines, type RunDescription } from './run-description';
import { median, ratioByRound, round, roundRatio, type Ratio } from './statistics';

/** One scenario as it is kept: medians for reading, rounds for whoever doubts them. */
export interface ScenarioResult {
  scenario: string;
  subjects: { name: string; cpuMicros: number; perSecond: number; ratio: Ratio; rounds: number[] }[];
  /** Where a subject could not do it. */
  failure?: string;
}

export interface BenchDescription extends RunDescription {
  rounds: number;
  roundMs: number;
}

/** The first of `sides` is the baseline. */
export function summarise(scenario: string, sides: readonly Rounds[]): ScenarioResult {
  const baseline = sides[0];
  if (baseline === undefined) throw new RangeError('no baseline was measured');
  return {
    scenario,
    subjects: sides.map(({ name, cpuMicros, perSecond }) => ({
      name,
      cpuMicros: round(median(cpuMicros), 1),
      perSecond: round(median(perSecond), 0),
      ratio: roundRatio(ratioByRound(cpuMicros, baseline.cpuMicros)),
      rounds: cpuMicros.map((value) => round(value, 1)),
    })),
  };
}

export function table(results: readonly ScenarioResult[]): string {
  const header = ['scenario', 'subject', 'CPU µs/request', 'requests/s', 'ratio', 'rounds from–to'];
  const rows = results.flatMap(({ scenario, subjects, failure }) =>
    failure === undefined
      ? subjects.map(({ name, cpuMicros, perSecond, ratio }, index) => [
          index === 0 ? scenario : '',
          name,
          cpuMicros.toFixed(1),
          String(perSecond),
          index === 0 ? '1' : `**${ratio.median.toFixed(2)}**`,
          index === 0 ? '' : `${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)}`,
        ])
      : [[scenario, 'failed', '', '', '', failure]],
  );
  return markdownTable(header, rows);
}

export function page(run: BenchDescription, results: readonly ScenarioResult[]): string {
  return `# Benchmark: ${run.name}

${runLines(run)}; median of ${run.rounds} rounds of ${run.roundMs} ms.

CPU is user and system time of the subject's process per request; the ratio is to the bare proxy in the neighbouring
round. \`npm run bench\` makes these figures anew; absolute ones move with the machine, ratios much less.

${table(results)}
`;
}
