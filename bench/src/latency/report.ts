import { markdownTable } from '../markdown-table';
import type { Pace, PacedRounds } from '../paced';
import { runLines, type RunDescription } from '../run-description';
import { differenceByRound, median } from '../statistics';
import { verdict } from '../targets';

export const KINDS = ['whole replies', 'first token of streams'] as const;
export type LatencyKind = (typeof KINDS)[number];

/** In the order the sides were measured; one of them is the bare proxy. */
export interface LatencyResult {
  kind: LatencyKind;
  sides: { name: string; isGateway: boolean; rounds: PacedRounds }[];
}

/** What the gateway may add to the bare proxy's own, in milliseconds. */
export const mostAddedMs = { p50: 0.3, p99: 1.5 } as const;

/** In milliseconds, round by round: of whole replies, or until they began. */
function figuresOf(kind: LatencyKind, rounds: PacedRounds): { p50: number[]; p99: number[] } {
  return kind === 'whole replies'
    ? { p50: rounds.p50Ms, p99: rounds.p99Ms }
    : { p50: rounds.beginsP50Ms, p99: rounds.beginsP99Ms };
}

export interface AddedLatency {
  name: string;
  isGateway: boolean;
  p50: { ms: number; addedMs: number };
  p99: { ms: number; addedMs: number };
  /** Median over the rounds of the p99 of how late requests were sent. */
  latenessMs: number;
}

/** Every side, and what it adds to the bare proxy in the neighbouring rounds. */
export function addedLatencies({ kind, sides }: LatencyResult, baseline = 'bare-proxy'): AddedLatency[] {
  const bare = sides.find(({ name }) => name === baseline);
  if (bare === undefined) throw new RangeError('the bare proxy was not measured');
  const from = figuresOf(kind, bare.rounds);
  return sides.map(({ name, isGateway, rounds }) => {
    const { p50, p99 } = figuresOf(kind, rounds);
    return {
      ...{ name, isGateway, latenessMs: median(rounds.latenessMs) },
      p50: { ms: median(p50), addedMs: differenceByRound(p50, from.p50) },
      p99: { ms: median(p99), addedMs: differenceByRound(p99, from.p99) },
    };
  });
}

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;

export function latencyTable(results: readonly LatencyResult[]): string {
  const header = ['of', 'subject', 'p50 ms', '+ bare', 'must', 'p99 ms', '+ bare', 'must', 'sent late, p99 ms'];
  const rows = results.flatMap((result) =>
    addedLatencies(result).map(({ name, isGateway, p50, p99, latenessMs }, index) => {
      const cells = (['p50', 'p99'] as const).flatMap((which) => {
        const { ms, addedMs } = which === 'p50' ? p50 : p99;
        const must = `≤ ${mostAddedMs[which]} ${verdict(addedMs <= mostAddedMs[which])}`;
        return [ms.toFixed(2), name === 'bare-proxy' ? '' : signed(addedMs), isGateway ? must : ''];
      });
      return [index === 0 ? result.kind : '', name, ...cells, latenessMs.toFixed(2)];
    }),
  );
  return markdownTable(header, rows);
}

/** Of the first kind, whose warm-up is the first that the processes serve. */
export function firstSeconds([first]: readonly LatencyResult[], { warmUpMs, perSecond }: Pace): string {
  const told = first?.sides.map(({ name, rounds }) => `${name} ${median(rounds.warmUpP99Ms).toFixed(1)}`) ?? [];
  return `In the first ${warmUpMs} ms of a new process, at ${perSecond} requests a second from the first on, p99 ms: ${told.join(', ')}.`;
}

export function latencyPage(run: RunDescription, pace: Pace, results: readonly LatencyResult[]): string {
  return `# Added latency

${runLines(run)}.

\`npm run bench:latency\` makes these figures anew. ${pace.perSecond} requests of 1 KB a second, evenly spaced, open loop, ${pace.rounds} rounds of
${pace.roundMs} ms, sides in turn, after ${pace.fullLoadMs ?? 0} ms of each at full load; the upstream answers at once, streams (100 events in few writes) too. Latency counts from when a
request was due; “+ bare” is the median of the differences to the bare proxy's neighbouring round. “direct” is no proxy at
all: what load and upstream take themselves. They share their core with Redis, NATS, Postgres and the other services, which
go last there (elsewhere these have cores of their own); “sent late” is how late the load was all the same, which is part of
every latency.

${latencyTable(results)}

${firstSeconds(results, pace)}
`;
}
