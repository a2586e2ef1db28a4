import { parseArgs } from 'node:util';

export interface BudgetOptions {
  subject: string;
  /** Only scenarios whose name contains it. */
  filter: string;
  warmUpMs: number;
  /** Without a profile, for what it is to be compared with. */
  plainMs: number;
  profiledMs: number;
  /** Whether the figures are worth keeping: nothing shortened. */
  keep: boolean;
}

const full = { warmUpMs: 3000, plainMs: 2000, profiledMs: 6000 };
const quick = { warmUpMs: 200, plainMs: 200, profiledMs: 400 };

export const usage = `npm run bench:budget -- [--subject NAME] [--only TEXT] [--quick]
  --subject  whose time it is (default: distributed); the bare proxy's stands beside it
  --only     scenarios whose name contains the text; not kept
  --quick    short, for a first look; not kept`;

/** Throws a TypeError on what it does not know. */
export function parseBudgetOptions(args: readonly string[]): BudgetOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      subject: { type: 'string', default: 'distributed' },
      only: { type: 'string', default: '' },
      quick: { type: 'boolean', default: false },
    },
  });
  return {
    ...(values.quick ? quick : full),
    subject: values.subject,
    filter: values.only,
    keep: !values.quick && values.only === '',
  };
}
