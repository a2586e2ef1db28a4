import { parseArgs } from 'node:util';
import { positive } from '../option-values';

export interface LongPromptsOptions {
  /** Beside the bare proxy. */
  subjects: string[];
  rounds: number;
  /** Closed loop: the most that gets through. */
  closed: { roundMs: number; warmUpMs: number; concurrency: number };
  /** Open loop: what is added to the first token. */
  open: { roundMs: number; perSecond: number };
  /** Whether the figures are worth keeping: nothing shortened. */
  keep: boolean;
}

const full = { rounds: 7, closed: { roundMs: 1500, warmUpMs: 3000 }, open: { roundMs: 3000 } };
const quick = { rounds: 1, closed: { roundMs: 400, warmUpMs: 300 }, open: { roundMs: 400 } };
const concurrency = 16;

export const usage = `npm run bench:long-prompts -- [--subject NAME]… [--rate N] [--rounds N] [--quick]
  --subject  what to measure beside the bare proxy (default: distributed-limits)
  --rate     requests per second while the first token is waited for (default: 230); not kept
  --rounds   how many (default: 7); not kept
  --quick    one short round, for a first look; not kept`;

/** Throws a TypeError on what it does not know. */
export function parseLongPromptsOptions(args: readonly string[]): LongPromptsOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      subject: { type: 'string', multiple: true, default: ['distributed-limits'] },
      rate: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
    },
  });
  const lengths = values.quick ? quick : full;
  return {
    subjects: values.subject,
    rounds: values.rounds === undefined ? lengths.rounds : positive('--rounds', values.rounds),
    closed: { ...lengths.closed, concurrency },
    open: { ...lengths.open, perSecond: values.rate === undefined ? 230 : positive('--rate', values.rate) },
    keep: !values.quick && values.rate === undefined && values.rounds === undefined,
  };
}
