import { markdownTable } from '../markdown-table';
import type { PacedRounds } from '../paced';
import { runLines, type RunDescription } from '../run-description';
import { differenceByRound, median, ratioByRound, type Ratio } from '../statistics';
import { noisyPerMinute, noisyPerSecond, quietPerSecond, slowReplyMs, type Bounds } from './callers';
import type { CostRounds } from './cost';
import type { NoiseResult, QuietRounds } from './noise';
import type { AdmissionOptions } from './options';

/** What was measured at one side; `batchMax` and `bounds` are absent at the bare proxy. */
export interface SideResult extends CostRounds, PacedRounds {
  name: string;
  batchMax?: number;
  bounds?: Bounds;
}

/** The bare proxy first. */
export interface AdmissionResult {
  sides: SideResult[];
  noise: NoiseResult;
}

type Options = Pick<AdmissionOptions, 'rounds' | 'closed' | 'open' | 'noise'>;

/** A quiet tenant's p99 with noise may be so many times the one without. */
const noiseRatioMost = 1.1;
const unknown = 'n/a';

const figure = (value: number, digits: number): string => (Number.isNaN(value) ? unknown : value.toFixed(digits));
const middle = (values: readonly number[], digits: number): string => figure(median(values), digits);
const signed = (value: number, digits: number): string =>
  Number.isNaN(value) ? unknown : `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;
const ratioText = ({ median: value }: Ratio): string => (Number.isNaN(value) ? unknown : `**${value.toFixed(2)}**`);
const rangeText = ({ low, high }: Ratio): string =>
  Number.isNaN(low) ? unknown : `${low.toFixed(2)}–${high.toFixed(2)}`;

const bareOf = ({ sides }: AdmissionResult): SideResult => {
  const [bare] = sides;
  if (bare === undefined) throw new RangeError('the bare proxy was not measured');
  return bare;
};

/** The same edge's key without bounds. */
function unboundedOf({ sides }: AdmissionResult, { batchMax }: SideResult): SideResult | undefined {
  return sides.find((side) => side.batchMax === batchMax && side.bounds === 'none');
}

const label = ({ batchMax, bounds }: SideResult): string[] =>
  batchMax === undefined ? ['bare proxy', ''] : [`batch ${batchMax}`, bounds ?? ''];

export function costTable(result: AdmissionResult): string {
  const bare = bareOf(result);
  const header = ['edge', 'bounds', 'CPU µs/request', 'requests/s', '× bare', '+ µs', '× no bounds', 'rounds from–to'];
  const rows = result.sides.map((side) => {
    const cells = [...label(side), middle(side.cpuMicros, 1), middle(side.perSecond, 0)];
    if (side === bare) return [...cells, '1', '', '', '', ''];
    const [ofBare, unbounded] = [ratioByRound(side.cpuMicros, bare.cpuMicros), unboundedOf(result, side)];
    const limiter = middle(side.limiterMicros, 1);
    if (unbounded === undefined || unbounded === side) return [...cells, ratioText(ofBare), '', '1', '', limiter];
    const ratio = ratioByRound(side.cpuMicros, unbounded.cpuMicros);
    const added = signed(differenceByRound(side.cpuMicros, unbounded.cpuMicros), 1);
    return [...cells, ratioText(ofBare), added, ratioText(ratio), rangeText(ratio), limiter];
  });
  return markdownTable([...header, 'limiter µs/request'], rows);
}

/** Empty where there is nothing to compare. */
export function savingTable(result: AdmissionResult): string {
  const sizes = [...new Set(result.sides.flatMap(({ batchMax }) => batchMax ?? []))];
  const [before, after] = [sizes[0], sizes.at(-1)];
  if (before === after) return '';
  const sideOf = (batchMax: number | undefined, bounds: Bounds): SideResult | undefined =>
    result.sides.find((side) => side.batchMax === batchMax && side.bounds === bounds);
  const rows = (['limits', 'limits and budget'] as const).flatMap((bounds) => {
    const [one, other] = [sideOf(before, bounds), sideOf(after, bounds)];
    const [oneFree, otherFree] = [sideOf(before, 'none'), sideOf(after, 'none')];
    if (!one || !other || !oneFree || !otherFree) return [];
    const added = [differenceByRound(one.cpuMicros, oneFree.cpuMicros)];
    added.push(differenceByRound(other.cpuMicros, otherFree.cpuMicros));
    const [alone = Number.NaN, batched = Number.NaN] = added;
    return [
      [
        ...[bounds, figure(alone, 1), figure(batched, 1), `**${signed((batched / alone - 1) * 100, 0)} %**`],
        ...[middle(one.limiterMicros, 1), middle(other.limiterMicros, 1)],
        ...[middle(one.perSecond, 0), middle(other.perSecond, 0)],
      ],
    ];
  });
  const pair = (what: string): string[] => [`${what}, ${before}`, String(after)];
  const header = ['bounds', ...pair('+ µs at the edge'), 'change', ...pair('limiter µs'), ...pair('requests/s')];
  return markdownTable(header, rows);
}

export function latencyTable(result: AdmissionResult): string {
  const bare = bareOf(result);
  const header = ['edge', 'bounds', 'p50 ms', 'p99 ms', 'p50 + bare', 'p99 + bare', 'p50 + no bounds'];
  const more = ['p99 + no bounds', 'p99 from–to', 'CPU µs/request', '+ µs'];
  const rows = result.sides.map((side) => {
    const added = (from: SideResult | undefined): string[] =>
      from === undefined || from === side
        ? ['', '']
        : [signed(differenceByRound(side.p50Ms, from.p50Ms), 2), signed(differenceByRound(side.p99Ms, from.p99Ms), 2)];
    const range = `${Math.min(...side.p99Ms).toFixed(2)}–${Math.max(...side.p99Ms).toFixed(2)}`;
    const figures = [middle(side.p50Ms, 2), middle(side.p99Ms, 2)];
    const unbounded = unboundedOf(result, side);
    const cpu = [middle(side.pacedCpuMicros, 1)];
    if (unbounded !== undefined && unbounded !== side) {
      cpu.push(signed(differenceByRound(side.pacedCpuMicros, unbounded.pacedCpuMicros), 1));
    }
    return [...label(side), ...figures, ...added(bare), ...added(unbounded), range, ...cpu];
  });
  return markdownTable([...header, ...more], rows);
}

export function noiseTable({ noise: { alone, beside } }: Pick<AdmissionResult, 'noise'>): string {
  const [p50, p99] = [ratioByRound(beside.p50Ms, alone.p50Ms), ratioByRound(beside.p99Ms, alone.p99Ms)];
  return markdownTable(
    ['the quiet tenant', 'calls', 'p50 ms', 'p99 ms', 'p50 ratio', 'p99 ratio', 'rounds from–to', 'sent late p99 ms'],
    [
      quietRow('alone', alone, ['1', '1', '']),
      quietRow('beside noise', beside, [ratioText(p50), ratioText(p99), rangeText(p99)]),
    ],
  );
}

export function noiseTables(result: Pick<AdmissionResult, 'noise'>): string {
  return `${noiseTable(result)}\n\n${noiseVerdict(result)}`;
}

function quietRow(name: string, { calls, p50Ms, p99Ms, latenessMs }: QuietRounds, ratios: string[]): string[] {
  return [name, String(calls), middle(p50Ms, 1), middle(p99Ms, 1), ...ratios, middle(latenessMs, 1)];
}

export function noiseVerdict({ noise: { alone, beside, noisy } }: Pick<AdmissionResult, 'noise'>): string {
  const ratio = ratioByRound(beside.p99Ms, alone.p99Ms).median;
  const met = ratio <= noiseRatioMost ? 'met' : 'missed';
  return `The noisy key: ${noisy.answered} calls answered (its limit allows ${noisy.answeredMost}), ${noisy.refused} refused with
429. Target, p99 ratio at most ${noiseRatioMost.toFixed(2)}: **${met}** (${ratio.toFixed(2)}).`;
}

/** What follows the title: what was measured, and the tables. */
export function body(result: AdmissionResult, options: Options): string {
  const { rounds, closed, open, noise } = options;
  const lateness = median(result.sides.flatMap(({ latenessMs }) => latenessMs));
  const saving = savingTable(result);
  return `## CPU and throughput

1 KB, anthropic → anthropic, whole, closed loop of 32 connections, median of ${rounds} rounds of ${closed.roundMs} ms. CPU is user and
system time of the edge’s process; “limiter” is the rate-limit service, Redis and NATS together (NATS carries usage as
well, so the key without bounds has some too). All but the edge share a core with the load, so requests/s are of the
whole machine. “+” and ratios are to the neighbouring round. Batch N is ADMISSION_BATCH_MAX of the edge; 1: each alone.

${costTable(result)}
${saving === '' ? '' : `\nWhat batching does to the cost of admission:\n\n${saving}\n`}
## Latency

The same call ${open.perSecond} times a second, evenly spaced, for ${open.roundMs} ms a round, open loop: counted from when a request was due.
The load sent 99 % of them within ${lateness.toFixed(2)} ms. CPU is that of the edge again, here at a rate that is the same for all and leaves
little to batch.

${latencyTable(result)}

## A noisy neighbour

The quiet tenant calls ${quietPerSecond} times a second, with limits far away, through the edge of batch ${result.noise.batchMax}; the upstream takes ${slowReplyMs} ms. The
noisy key of another tenant may call ${noisyPerMinute} times a minute and does ${noisyPerSecond} times a second. ${rounds} rounds of ${noise.roundMs} ms each,
alternating, each after ${noise.leadMs} ms of the same: what a bucket that was full lets through at once is spent by then.

${noiseTables(result)}
`;
}

export function admissionPage(run: RunDescription, result: AdmissionResult, options: Options): string {
  return `# Admission: ${run.name}

${runLines(run)}.

\`npm run bench:admission\` makes these figures anew; absolute ones move with the machine, ratios much less.

${body(result, options)}`;
}
