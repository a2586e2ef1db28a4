import { markdownTable } from './markdown-table';
import type { Rounds } from './measure';
import { runLines, type RunDescription } from './run-description';
import type { Scenario } from './scenarios';
import { median, ratioByRound, round, roundRatio, type Ratio } from './statistics';
import { leastPeerRatio, mostRatio, verdict } from './targets';

/** One scenario as it is kept: medians for reading, rounds for whoever doubts them. */
export interface ScenarioResult {
  scenario: string;
  subjects: SubjectResult[];
  /** Where a subject could not do it. */
  failure?: string;
}

export interface SubjectResult {
  name: string;
  cpuMicros: number;
  perSecond: number;
  ratio: Ratio;
  rounds: number[];
  /** What the ratio may be at most; absent: nothing was promised of it. */
  most?: number;
  /** Of a peer: how many times the CPU of the gateway it takes that was measured first. */
  beside?: { name: string; ratio: Ratio };
}

export interface BenchDescription extends RunDescription {
  /** Measured beside the bare proxy. */
  subjects: string[];
  /** Of subjects, about how they ran. */
  remarks: string[];
  rounds: number;
  roundMs: number;
}

/** The first of `sides` is the baseline. */
export function summarise(scenario: Scenario, sides: readonly Rounds[]): ScenarioResult {
  const baseline = sides[0];
  if (baseline === undefined) throw new RangeError('no baseline was measured');
  const gateway = sides.find(({ isGateway }) => isGateway);
  return {
    scenario: scenario.name,
    subjects: sides.map(({ name, isGateway, isPeer, cpuMicros, perSecond }) => ({
      name,
      cpuMicros: round(median(cpuMicros), 1),
      perSecond: round(median(perSecond), 0),
      ratio: roundRatio(ratioByRound(cpuMicros, baseline.cpuMicros)),
      rounds: cpuMicros.map((value) => round(value, 1)),
      ...(isGateway && { most: mostRatio(scenario) }),
      ...(isPeer &&
        gateway && { beside: { name: gateway.name, ratio: roundRatio(ratioByRound(cpuMicros, gateway.cpuMicros)) } }),
    })),
  };
}

export function table(results: readonly ScenarioResult[]): string {
  const header = ['scenario', 'subject', 'CPU µs/request', 'requests/s', 'ratio', 'rounds from–to', 'must'];
  const rows = results.flatMap(({ scenario, subjects, failure }) =>
    failure === undefined
      ? subjects.map(({ name, cpuMicros, perSecond, ratio, ...bound }, index) => [
          index === 0 ? scenario : '',
          name,
          cpuMicros.toFixed(1),
          String(perSecond),
          index === 0 ? '1' : `**${ratio.median.toFixed(2)}**`,
          index === 0 ? '' : `${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)}`,
          mustOf(ratio, bound),
        ])
      : [[scenario, 'failed', '', '', '', failure, '']],
  );
  return markdownTable(header, rows);
}

function mustOf(ratio: Ratio, { most, beside }: Pick<SubjectResult, 'most' | 'beside'>): string {
  if (most !== undefined) return `≤ ${most.toFixed(1)} ${verdict(ratio.median <= most)}`;
  if (beside === undefined) return '';
  const times = beside.ratio.median;
  return `${times.toFixed(1)} × ${beside.name}; ≥ ${leastPeerRatio} ${verdict(times >= leastPeerRatio)}`;
}

export function page(run: BenchDescription, results: readonly ScenarioResult[]): string {
  return `# Benchmark: ${run.name} (${run.subjects.join(', ')})

${runLines(run)}; median of ${run.rounds} rounds of ${run.roundMs} ms.

CPU is user and system time of the subject's process per request; the ratio is to the bare proxy in the neighbouring
round, and “must” is what the ratio may be at most. \`npm run bench\` makes these figures anew; absolute ones move with the
machine, ratios much less.
${run.remarks.map((remark) => `\n- ${remark}`).join('')}${run.remarks.length > 0 ? '\n' : ''}
${table(results)}
`;
}
