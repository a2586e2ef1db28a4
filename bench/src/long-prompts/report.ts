import { markdownTable } from '../markdown-table';
import { runLines, type RunDescription } from '../run-description';
import { differenceByRound, median, ratioByRound } from '../statistics';
import { verdict } from '../targets';
import { promptBytes, type LongPromptRounds } from './measure';
import type { LongPromptsOptions } from './options';

/**
 * 3,000 requests/s on 33 pods of 4 vCPUs with prompts of 50,000 to 100,000 tokens, half streaming, accounting on; the first
 * token after 31.7 ms in the middle: https://docs.litellm.ai/docs/benchmarks, as it was on 12 October 2026.
 */
export const published = { perVcpu: 3000 / (33 * 4), firstTokenMs: 31.667 };
/** Ten times that, rounded. */
export const leastPerVcpu = 230;

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;

/** What one core carries: by the CPU a request takes, and as it was reached; and the first token beyond the bare proxy's. */
export function longPromptFigures(rounds: LongPromptRounds, bare: LongPromptRounds) {
  return {
    name: rounds.name,
    byCpu: 1e6 / median(rounds.cpuMicros),
    reached: median(rounds.perSecond),
    /** Of the subject's core while as much as possible got through. */
    cpuShare: median(rounds.cpuMicros.map((micros, round) => (micros * (rounds.perSecond[round] ?? 0)) / 1e6)),
    ratio: ratioByRound(rounds.cpuMicros, bare.cpuMicros).median,
    firstAddedMs: {
      p50: differenceByRound(rounds.firstP50Ms, bare.firstP50Ms),
      p99: differenceByRound(rounds.firstP99Ms, bare.firstP99Ms),
    },
  };
}

/** @throws RangeError when the bare proxy, which comes first, was not measured. */
export function bareOf([bare]: readonly LongPromptRounds[]): LongPromptRounds {
  if (bare === undefined) throw new RangeError('the bare proxy was not measured');
  return bare;
}

export function longPromptsTable(sides: readonly LongPromptRounds[]): string {
  const bare = bareOf(sides);
  const header = ['subject', 'CPU µs/request', '× bare', 'requests/s/vCPU by CPU', 'reached', 'of its core', 'must'];
  const rows = sides.map((side) => {
    const { byCpu, reached, cpuShare, ratio, firstAddedMs } = longPromptFigures(side, bare);
    const added = (value: number): string => (side === bare ? '' : signed(value));
    return [
      ...[side.name, median(side.cpuMicros).toFixed(0), side === bare ? '1' : ratio.toFixed(2)],
      ...[byCpu.toFixed(0), reached.toFixed(0), `${(cpuShare * 100).toFixed(0)} %`],
      side.isGateway ? `≥ ${leastPerVcpu} ${verdict(Math.min(byCpu, reached) >= leastPerVcpu)}` : '',
      ...[median(side.firstP50Ms).toFixed(2), added(firstAddedMs.p50)],
      ...[median(side.firstP99Ms).toFixed(2), added(firstAddedMs.p99)],
      median(side.latenessMs).toFixed(2),
    ];
  });
  const latency = ['first token p50 ms', '+ bare', 'p99 ms', '+ bare', 'sent late, p99 ms'];
  return markdownTable([...header, ...latency], rows);
}

export function longPromptsPage(
  run: RunDescription,
  sides: readonly LongPromptRounds[],
  { rounds, closed, open }: LongPromptsOptions,
): string {
  return `# Long prompts

${runLines(run)}.

\`npm run bench:long-prompts\` makes these figures anew: bodies of ${promptBytes.map((bytes) => bytes / 1000).join(', ')} KB in turn (50,000 to 100,000 tokens), Chat to
Chat, half of them streaming, replies of 100 events; the key has limits and a budget, and usage is metered. ${rounds} rounds of
${closed.roundMs} ms, sides in turn, closed loop of ${closed.concurrency} connections, for CPU and requests/s; as many of ${open.roundMs} ms at ${open.perSecond} requests/s, open
loop, for the first token of streams. “By CPU” is what one core would carry at that cost; “reached” is what got through,
with load, upstream and all other services on one core together.

LiteLLM [publishes](https://docs.litellm.ai/docs/benchmarks) 3,000 requests/s on 33 pods of 4 vCPUs for such prompts, ${published.perVcpu.toFixed(0)} per vCPU, with a first
token after ${published.firstTokenMs.toFixed(1)} ms (p50) behind a load balancer, on other machines than ours; the bound is ten times that.

${longPromptsTable(sides)}
`;
}
