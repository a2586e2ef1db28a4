import { parseArgs } from 'node:util';
import type { DayOptions } from './compare';

const DEFAULTS = { requests: 20_000, seed: 1 };

export const usage = `npm run simulated-day -- [--requests N] [--seed N] [--write FILE]
  --requests  of the day (default: ${DEFAULTS.requests})
  --seed      draws when they come, how large they are and their luck (default: ${DEFAULTS.seed})
  --write     a page with the table, e.g. docs/simulated-day.md`;

/** Throws a TypeError on what it does not know. */
export function parseDayOptions(args: readonly string[]): DayOptions & { page: string | undefined } {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...args], options: { requests: text, seed: text, write: text } });
  return {
    requests: whole('requests', values.requests ?? String(DEFAULTS.requests)),
    seed: whole('seed', values.seed ?? String(DEFAULTS.seed)),
    page: values.write,
  };
}

function whole(name: string, value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1)
    throw new TypeError(`--${name} must be a whole number above 0, not ${value}`);
  return number;
}
