import { budgetTables } from '../budget/report';
import { addedLatencies, mostAddedMs } from '../latency/report';
import { bareOf, leastPerVcpu, longPromptFigures, published } from '../long-prompts/report';
import { markdownTable } from '../markdown-table';
import { table } from '../report';
import type { RunDescription } from '../run-description';
import { soakFigures } from '../soak/report';
import { streamsWanted } from '../streams/options';
import { mostDelayMs, mostResidentMb, streamVerdicts } from '../streams/report';
import { leastPeerRatio, verdict } from '../targets';
import { judged, type KeptResults } from './kept-results';

type Row = [what: string, must: string, figure: string, verdict: string, run: string];

const unknown = 'not measured yet';
const runOf = ({ startedAt, commit }: RunDescription): string => `${startedAt.slice(0, 10)}, ${commit}`;
const signed = (value: number, digits: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;
const missing = (what: string, command: string): Row[] => [[what, '', unknown, '', `\`npm run ${command}\``]];

function cpuRows({ cpu }: KeptResults): Row[] {
  if (cpu === undefined) return missing('CPU per request', `bench -- --subject ${judged}`);
  return cpu.results.flatMap(({ scenario, subjects, failure }): Row[] => {
    if (failure !== undefined) return [[scenario, '', 'failed', '', runOf(cpu)]];
    return subjects.flatMap(({ name, ratio, most }): Row[] => {
      if (most === undefined) return [];
      const figure = `${ratio.median.toFixed(2)} × (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)})`;
      return [[`${name}, ${scenario}`, `≤ ${most.toFixed(1)} ×`, figure, verdict(ratio.median <= most), runOf(cpu)]];
    });
  });
}

function peerRows({ cpu }: KeptResults): Row[] {
  const rows = (cpu?.results ?? []).flatMap(({ scenario, subjects }) =>
    subjects.flatMap(({ name, beside }): Row[] => {
      if (cpu === undefined || beside?.name !== judged) return [];
      const times = beside.ratio.median;
      const figure = `${times.toFixed(1)} ×`;
      return [[`${name}, ${scenario}`, `≥ ${leastPeerRatio} ×`, figure, verdict(times >= leastPeerRatio), runOf(cpu)]];
    }),
  );
  return rows.length > 0 ? rows : missing('CPU of a peer', `bench -- --subject ${judged} --subject portkey`);
}

function latencyRows({ latency }: KeptResults): Row[] {
  if (latency === undefined) return missing('Added latency', 'bench:latency');
  return latency.results.flatMap((result) => {
    const added = addedLatencies(result).find(({ name }) => name === judged);
    if (added === undefined) return [];
    return (['p50', 'p99'] as const).map((which): Row => {
      const [{ addedMs }, most] = [added[which], mostAddedMs[which]];
      const what = `${judged}, added latency, ${result.kind}, ${which}`;
      return [what, `≤ ${most} ms`, `${signed(addedMs, 2)} ms`, verdict(addedMs <= most), runOf(latency)];
    });
  });
}

function streamsRows({ streams }: KeptResults): Row[] {
  if (streams === undefined) return missing('Many streams', 'bench:streams');
  return streamVerdicts(streams.sides).flatMap(({ name, beyondMs, residentMb, chunksPerSecond }): Row[] => {
    const carried = `${name}, ${streams.options.streams} streams, ${chunksPerSecond.toFixed(0)} chunks/s`;
    const withFewer = streams.options.streams < streamsWanted ? ` with fewer than ${streamsWanted}` : '';
    const delayed = `${signed(beyondMs, 1)} ms`;
    const kept = `${residentMb.toFixed(0)} MB`;
    return [
      [
        `${carried}: worst chunk beyond the bare proxy's`,
        `≤ ${mostDelayMs} ms`,
        delayed,
        verdict(beyondMs <= mostDelayMs) + withFewer,
        runOf(streams),
      ],
      [
        `${carried}: RSS`,
        `≤ ${mostResidentMb} MB`,
        kept,
        verdict(residentMb <= mostResidentMb) + withFewer,
        runOf(streams),
      ],
    ];
  });
}

function longPromptsRows({ longPrompts }: KeptResults): Row[] {
  if (longPrompts === undefined) return missing('Long prompts', 'bench:long-prompts');
  const bare = bareOf(longPrompts.sides);
  return longPrompts.sides
    .filter(({ isGateway }) => isGateway)
    .flatMap((side): Row[] => {
      const { name, byCpu, reached, firstAddedMs } = longPromptFigures(side, bare);
      const least = Math.min(byCpu, reached);
      const figure = `${byCpu.toFixed(0)} by CPU, ${reached.toFixed(0)} reached: ${(least / published.perVcpu).toFixed(0)} × the published`;
      const added = `${signed(firstAddedMs.p50, 2)} ms, p99 ${signed(firstAddedMs.p99, 2)} ms`;
      return [
        [
          `${name}, long prompts, requests/s per vCPU`,
          `≥ ${leastPerVcpu}`,
          figure,
          verdict(least >= leastPerVcpu),
          runOf(longPrompts),
        ],
        [`${name}, long prompts, added to the first token, p50`, '', added, '', runOf(longPrompts)],
      ];
    });
}

function soakRows({ soak }: KeptResults): Row[] {
  if (soak === undefined) return missing('Half an hour of load', 'bench:soak -- --minutes 30');
  const { slopeMbPerHour, isFlat, p99Drift, isSteady } = soakFigures(soak.result);
  const load = `${soak.result.windows.length} minutes at ${soak.result.perSecond} requests/s`;
  return [
    [`${load}: RSS`, 'flat', `${signed(slopeMbPerHour, 1)} MB/h`, verdict(isFlat), runOf(soak)],
    [`${load}: p99, last third to first`, 'no drift', `${p99Drift.toFixed(2)} ×`, verdict(isSteady), runOf(soak)],
  ];
}

export function targetsTable(kept: KeptResults): string {
  const makers = [cpuRows, latencyRows, streamsRows, longPromptsRows, peerRows, soakRows];
  return markdownTable(
    ['what', 'must', 'figure', '', 'run'],
    makers.flatMap((rowsOf) => rowsOf(kept)),
  );
}

/** All that stands between the marks of docs/performance.md. */
export function performanceFigures(kept: KeptResults): string {
  const parts = ['### Targets', targetsTable(kept), '### Where each microsecond goes'];
  parts.push(
    kept.budget === undefined ? 'Not measured yet: `npm run bench:budget`.' : budgetTables(kept.budget.budgets),
    '### CPU per request',
    kept.cpu === undefined ? 'Not measured yet: `npm run bench`.' : table(kept.cpu.results),
  );
  return parts.join('\n\n');
}
