import { parseArgs } from 'node:util';
import { positive } from '../option-values';

export interface StreamsOptions {
  /** Beside no proxy at all and the bare proxy. */
  subjects: string[];
  streams: number;
  /** Of every stream. */
  chunksPerSecond: number;
  rounds: number;
  /** For whoever carries them to be used to it, when all streams are open. */
  rampMs: number;
  /** Whose chunks are looked at. */
  roundMs: number;
  /** Whether the figures are worth keeping: nothing shortened, nothing reduced. */
  keep: boolean;
}

/** At once, that the target is about. */
export const streamsWanted = 2000;
/** Fewer say little of many; those in between are kept for machines that pass on no more with any proxy. */
const keptFrom = 500;
const full = { rounds: 3, rampMs: 3000, roundMs: 12_000 };
const quick = { rounds: 1, rampMs: 300, roundMs: 1000 };
export const usage = `npm run bench:streams -- [--subject NAME]… [--streams N] [--rate N] [--rounds N] [--quick]
  --subject  what to measure beside the bare proxy (default: distributed)
  --streams  how many at once (default: ${streamsWanted}); fewer than ${keptFrom} are not kept
  --rate     chunks per second of each, at most 100 (default: 20); fewer are not kept
  --rounds   how many (default: 3)
  --quick    one short round, for a first look; not kept`;

/** Throws a TypeError on what it does not know. */
export function parseStreamsOptions(args: readonly string[]): StreamsOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      subject: { type: 'string', multiple: true, default: ['distributed'] },
      streams: { type: 'string', default: String(streamsWanted) },
      rate: { type: 'string', default: '20' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
    },
  });
  const lengths = values.quick ? quick : full;
  const streams = positive('--streams', values.streams);
  const chunksPerSecond = positive('--rate', values.rate);
  if (chunksPerSecond > 100) throw new TypeError('--rate must be 100 at most');
  return {
    ...lengths,
    ...{ streams, chunksPerSecond, subjects: values.subject },
    rounds: values.rounds === undefined ? lengths.rounds : positive('--rounds', values.rounds),
    keep: !values.quick && streams >= keptFrom && chunksPerSecond >= 20,
  };
}
