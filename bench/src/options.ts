import { parseArgs } from 'node:util';
import { runName } from './option-values';

export interface BenchOptions {
  /** Names the result file. */
  name: string;
  /** Beside the baseline. */
  subjects: string[];
  /** Only scenarios whose name contains it. */
  filter: string;
  rounds: number;
  roundMs: number;
  warmUpMs: number;
  /** Before the first scenario: what a process compiles once, it has compiled by then. */
  firstWarmUpMs: number;
  profile: boolean;
  /** Whether the figures are worth keeping: all scenarios, rounds of full length. */
  keep: boolean;
}

const full = { rounds: 7, roundMs: 500, warmUpMs: 5000, firstWarmUpMs: 5000 };
const quick = { rounds: 3, roundMs: 200, warmUpMs: 150, firstWarmUpMs: 1000 };

export const usage = `npm run bench -- [--name NAME] [--subject NAME]… [--only TEXT] [--quick] [--profile]
  --name     names the result file (default: local)
  --subject  what to measure beside the bare proxy (default: standalone); bare-proxy shows the noise
  --only     scenarios whose name contains the text, e.g. "chat → anthropic, 1 KB"; not kept
  --quick    shorter rounds, for a first look; not kept
  --profile  writes a CPU profile of each subject to .cache/bench-profiles`;

/** Throws a TypeError on what it does not know. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      name: { type: 'string', default: 'local' },
      subject: { type: 'string', multiple: true, default: ['standalone'] },
      only: { type: 'string', default: '' },
      quick: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
    },
  });
  return {
    name: runName(values.name),
    subjects: values.subject,
    filter: values.only,
    profile: values.profile,
    keep: !values.quick && values.only === '',
    ...(values.quick ? quick : full),
  };
}
