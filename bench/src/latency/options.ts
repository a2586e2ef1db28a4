import { parseArgs } from 'node:util';
import { positive } from '../option-values';
import type { Pace } from '../paced';

export interface LatencyOptions extends Pace {
  /** Beside the bare proxy. */
  subjects: string[];
  /** Whether the figures are worth keeping: nothing shortened. */
  keep: boolean;
}

const full = { rounds: 9, roundMs: 4000, warmUpMs: 3000, fullLoadMs: 6000 };
const quick = { rounds: 3, roundMs: 300, warmUpMs: 100, fullLoadMs: 100 };

export const usage = `npm run bench:latency -- [--subject NAME]… [--rate N] [--rounds N] [--quick]
  --subject  what to measure beside the bare proxy (default: distributed)
  --rate     requests per second (default: 300); not kept
  --rounds   how many (default: 9); not kept
  --quick    few and short rounds, for a first look; not kept`;

/** Throws a TypeError on what it does not know. */
export function parseLatencyOptions(args: readonly string[]): LatencyOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      subject: { type: 'string', multiple: true, default: ['distributed'] },
      rate: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
    },
  });
  const lengths = values.quick ? quick : full;
  return {
    ...lengths,
    rounds: values.rounds === undefined ? lengths.rounds : positive('--rounds', values.rounds),
    perSecond: values.rate === undefined ? 300 : positive('--rate', values.rate),
    subjects: values.subject,
    keep: !values.quick && values.rate === undefined && values.rounds === undefined,
  };
}
