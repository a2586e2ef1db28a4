import { parseArgs } from 'node:util';
import { FAULTS, type Fault } from './faults';

export interface FailoverOptions {
  faults: readonly Fault[];
  /** Requests per second. */
  rate: number;
  /** How long one upstream fails; the time before and after goes with it. */
  faultMs: number;
  seed: number;
  /** A page to write, beside what is printed. */
  page: string | undefined;
}

const DEFAULTS = { rate: 300, seconds: 15, seed: 1 };

export const usage = `npm run failover -- [--faults a,b] [--rate N] [--seconds N] [--seed N] [--write FILE]
  --faults   what befalls the upstreams, in this order (default: all):
             ${FAULTS.map(({ name }) => name).join(', ')}
  --rate     requests per second (default: ${DEFAULTS.rate}); below 200 single trials of an upstream look like traffic to it
  --seconds  how long a fault lasts (default: ${DEFAULTS.seconds}, of both ⅔ of it); healthy before for ⅔ of it (⅓), after for 4/3 (all)
  --seed     draws the load as the run that printed it did (default: ${DEFAULTS.seed})
  --write    a page with the tables, e.g. docs/failover.md`;

/** Throws a TypeError on what it does not know. */
export function parseFailoverOptions(args: readonly string[]): FailoverOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { faults: text, rate: text, seconds: text, seed: text, write: text },
  });
  return {
    faults: values.faults === undefined ? FAULTS : values.faults.split(',').map(faultOf),
    rate: positive('rate', values.rate ?? String(DEFAULTS.rate)),
    faultMs: 1_000 * positive('seconds', values.seconds ?? String(DEFAULTS.seconds)),
    seed: positive('seed', values.seed ?? String(DEFAULTS.seed)),
    page: values.write,
  };
}

function positive(name: string, value: string): number {
  const number = Number(value);
  if (!(number > 0)) throw new TypeError(`--${name} must be a number above 0, not ${value}`);
  return number;
}

function faultOf(name: string): Fault {
  const fault = FAULTS.find((known) => known.name === name);
  if (fault === undefined) {
    throw new TypeError(`--faults: ${name} is none of ${FAULTS.map((known) => known.name).join(', ')}`);
  }
  return fault;
}
