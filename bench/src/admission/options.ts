import { parseArgs } from 'node:util';
import { positive, runName } from '../option-values';

export interface AdmissionOptions {
  /** Part of the result file's name. */
  name: string;
  /** ADMISSION_BATCH_MAX of each distributed form that is started. */
  batchSizes: number[];
  rounds: number;
  /** Closed loop, for CPU and throughput. */
  closed: { roundMs: number; warmUpMs: number };
  /** Open loop, for latency. */
  open: { roundMs: number; warmUpMs: number; perSecond: number };
  /** The quiet tenant, alone and beside the noisy one, whose bucket fills while it is silent: the burst is over after the lead. */
  noise: { roundMs: number; warmUpMs: number; leadMs: number };
  profile: boolean;
  /** Whether nothing but the noisy neighbour is looked at. */
  noiseOnly: boolean;
  /** Whether the figures are worth keeping: nothing shortened, nothing left out. */
  keep: boolean;
}

const full = {
  rounds: 7,
  closed: { roundMs: 500, warmUpMs: 3000 },
  open: { roundMs: 3000, warmUpMs: 1000 },
  // Of fewer calls a p99 is what two or three of them happened to take.
  noise: { roundMs: 15_000, warmUpMs: 10_000, leadMs: 2_000 },
};
const quick = {
  rounds: 3,
  closed: { roundMs: 200, warmUpMs: 500 },
  open: { roundMs: 600, warmUpMs: 200 },
  noise: { roundMs: 1000, warmUpMs: 800, leadMs: 400 },
};

export const usage = `npm run bench:admission -- [--name NAME] [--batch N]… [--rate N] [--rounds N] [--noise] [--quick] [--profile]
  --name     names the result file (default: local)
  --batch    ADMISSION_BATCH_MAX of a distributed form to start (default: 1 and 64); not kept
  --rate     requests per second of the latency rounds (default: 300)
  --rounds   how many (default: 7); not kept
  --noise    nothing but the noisy neighbour; not kept
  --quick    few and short rounds, for a first look; not kept
  --profile  writes a CPU profile of each edge to .cache/bench-profiles`;

/** Throws a TypeError on what it does not know. */
export function parseAdmissionOptions(args: readonly string[]): AdmissionOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      name: { type: 'string', default: 'local' },
      batch: { type: 'string', multiple: true },
      rate: { type: 'string', default: '300' },
      rounds: { type: 'string' },
      noise: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
    },
  });
  const lengths = values.quick ? quick : full;
  return {
    name: runName(values.name),
    batchSizes: (values.batch ?? ['1', '64']).map((text) => positive('--batch', text)),
    rounds: values.rounds === undefined ? lengths.rounds : positive('--rounds', values.rounds),
    closed: lengths.closed,
    open: { ...lengths.open, perSecond: positive('--rate', values.rate) },
    noise: lengths.noise,
    profile: values.profile,
    noiseOnly: values.noise,
    keep: !values.quick && !values.noise && values.batch === undefined && values.rounds === undefined,
  };
}
