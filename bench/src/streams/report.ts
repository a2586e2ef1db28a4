import { markdownTable } from '../markdown-table';
import { runLines, type RunDescription } from '../run-description';
import { differenceByRound, median } from '../statistics';
import { verdict } from '../targets';
import type { StreamsOptions } from './options';
import type { StreamRound, StreamSide } from './measure';

/** What a chunk may be delayed beyond the bare proxy's worst, and what the gateway may keep resident. */
export const mostDelayMs = 50;
export const mostResidentMb = 400;

const middle = (rounds: readonly StreamRound[], of: keyof StreamRound): number =>
  median(rounds.map((each) => each[of]));
const worst = (rounds: readonly StreamRound[], of: keyof StreamRound): number =>
  Math.max(...rounds.map((each) => each[of]));
const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;
const percent = (share: number): string => (Number.isNaN(share) ? 'n/a' : `${(share * 100).toFixed(0)} %`);

export interface StreamVerdict {
  name: string;
  /** The worst chunk of all rounds beyond the bare proxy's worst, in milliseconds. */
  beyondMs: number;
  residentMb: number;
  /** Chunks per second that were carried, median. */
  chunksPerSecond: number;
}

/** Of every gateway. */
export function streamVerdicts(sides: readonly StreamSide[]): StreamVerdict[] {
  const bare = bareOf(sides);
  return sides
    .filter(({ isGateway }) => isGateway)
    .map(({ name, rounds }) => ({
      name,
      beyondMs: worst(rounds, 'maxMs') - worst(bare.rounds, 'maxMs'),
      residentMb: worst(rounds, 'residentMb'),
      chunksPerSecond: middle(rounds, 'chunksPerSecond'),
    }));
}

function bareOf(sides: readonly StreamSide[]): StreamSide {
  const bare = sides.find(({ name }) => name === 'bare-proxy');
  if (bare === undefined) throw new RangeError('the bare proxy was not measured');
  return bare;
}

export function streamsTable(sides: readonly StreamSide[]): string {
  const bare = bareOf(sides);
  const header = [
    'subject',
    'chunks/s',
    'p50 ms',
    '+ bare',
    'p99 ms',
    '+ bare',
    'p99.9 ms',
    'worst ms',
    'CPU',
    'RSS MB',
  ];
  const rows = sides.map((side) => {
    const added = (of: 'p50Ms' | 'p99Ms'): string =>
      side === bare || side.name === 'direct'
        ? ''
        : signed(
            differenceByRound(
              side.rounds.map((each) => each[of]),
              bare.rounds.map((each) => each[of]),
            ),
          );
    const isNothing = side.name === 'direct';
    return [
      ...[side.name, middle(side.rounds, 'chunksPerSecond').toFixed(0)],
      ...[
        middle(side.rounds, 'p50Ms').toFixed(1),
        added('p50Ms'),
        middle(side.rounds, 'p99Ms').toFixed(1),
        added('p99Ms'),
      ],
      ...[middle(side.rounds, 'p999Ms').toFixed(1), worst(side.rounds, 'maxMs').toFixed(1)],
      isNothing ? '' : percent(middle(side.rounds, 'cpuShare')),
      isNothing ? '' : worst(side.rounds, 'residentMb').toFixed(0),
      middle(side.rounds, 'latenessMs').toFixed(1),
    ];
  });
  return markdownTable([...header, 'written late, p99 ms'], rows);
}

export function streamsBody(sides: readonly StreamSide[], { streams, chunksPerSecond }: StreamsOptions): string {
  const verdicts = streamVerdicts(sides).map(({ name, beyondMs, residentMb, chunksPerSecond: carried }) => {
    const wanted = streams * chunksPerSecond;
    const reached = carried >= wanted * 0.99 ? '' : ` Only ${carried.toFixed(0)} of ${wanted} chunks/s were carried.`;
    const delay = `worst chunk at most ${mostDelayMs} ms beyond the bare proxy's: ${verdict(beyondMs <= mostDelayMs)} (${signed(beyondMs)} ms)`;
    const memory = `RSS at most ${mostResidentMb} MB: ${verdict(residentMb <= mostResidentMb)} (${residentMb.toFixed(0)} MB)`;
    return `- ${name}: ${delay}; ${memory}.${reached}`;
  });
  return `${streamsTable(sides)}\n\n${verdicts.join('\n')}`;
}

export function streamsPage(run: RunDescription, sides: readonly StreamSide[], options: StreamsOptions): string {
  return `# ${options.streams} streams at once

${runLines(run)}.

\`npm run bench:streams\` makes these figures anew: ${options.streams} streams of ${options.chunksPerSecond} chunks a second through one process on one core,
${options.rounds} rounds of ${options.roundMs} ms, sides in turn. The upstream writes the time into every chunk, and the same process reads it: a delay
is all that lies between, so that of “direct”, with nothing between, is what load and upstream take themselves, on the core
they share with everything but the subject. “Written late” is by how much the upstream was behind its own schedule. No chunk
was lost, or there would be no figures.

${streamsBody(sides, options)}
`;
}
