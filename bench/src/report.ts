import { median, ratioByRound, type Ratio } from './statistics';
import type { Rounds } from './measure';

/** One scenario as it is kept: medians for reading, rounds for whoever doubts them. */
export interface ScenarioResult {
  scenario: string;
  subjects: { name: string; cpuMicros: number; perSecond: number; ratio: Ratio; rounds: number[] }[];
  /** Where a subject could not do it. */
  failure?: string;
}

export interface RunDescription {
  name: string;
  /** RFC 3339. */
  startedAt: string;
  commit: string;
  node: string;
  cpu: string;
  pinning: string;
  /** Load average of the last minute: what else the machine was doing. */
  loadBefore: number;
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

const round = (value: number, digits: number) => Number(value.toFixed(digits));

function roundRatio({ median: middle, low, high }: Ratio): Ratio {
  return { median: round(middle, 2), low: round(low, 2), high: round(high, 2) };
}

/** A Markdown table that a terminal shows as well as a page does. */
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
  const widths = header.map((_title, column) =>
    Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0), 3),
  );
  const line = (cells: string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

export function page(run: RunDescription, results: readonly ScenarioResult[]): string {
  return `# Benchmark: ${run.name}

${run.startedAt}, commit ${run.commit}, Node ${run.node}, ${run.cpu}; ${run.pinning}; load average before
${run.loadBefore}; median of ${run.rounds} rounds of ${run.roundMs} ms.

CPU is user and system time of the subject's process per request; the ratio is to the bare proxy in the neighbouring
round. \`npm run bench\` makes these figures anew; absolute ones move with the machine, ratios much less.

${table(results)}
`;
}
