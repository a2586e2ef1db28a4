import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { KILLABLE, type Kind } from './kill-plan';

export interface ChaosOptions {
  /** Of the kills and of the load; the same one draws the same again. */
  seed: number;
  /** Of load and kills; start, drain and check come on top. */
  loadMs: number;
  kinds: readonly Kind[];
  /** What to kill, in this order, instead of what the seed draws; once it is done the load goes on alone. */
  rounds?: readonly (readonly Kind[])[];
  clients: number;
}

const DEFAULTS = { minutes: 5, clients: 36 };
/** Edges hold what nobody else knows: twice as often as the others. */
const DEFAULT_KINDS: readonly Kind[] = ['edge-api', 'edge-api', 'rate-limit', 'metering', 'nats', 'redis', 'postgres'];

export const usage = `npm run chaos -- [--minutes N | --seconds N] [--seed N] [--kinds a,b] [--clients N]
  --minutes, --seconds  how long there is load and somebody is killed (default: ${DEFAULTS.minutes} minutes)
  --seed                draws kills and load as the run that printed it did (default: a new one)
  --kinds               who may be killed, twice as often where named twice: ${KILLABLE.join(', ')}
                        (default: ${DEFAULT_KINDS.join(',')})
  --clients             that call at the same time (default: ${DEFAULTS.clients})`;

/** Throws a TypeError on what it does not know. */
export function parseChaosOptions(args: readonly string[]): ChaosOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { minutes: text, seconds: text, seed: text, kinds: text, clients: text },
  });
  const seconds = values.seconds ?? String(60 * positive('minutes', values.minutes ?? String(DEFAULTS.minutes)));
  return {
    seed: values.seed === undefined ? randomInt(1, 2 ** 31) : positive('seed', values.seed),
    loadMs: 1_000 * positive('seconds', seconds),
    kinds: values.kinds === undefined ? DEFAULT_KINDS : values.kinds.split(',').map(kindOf),
    clients: positive('clients', values.clients ?? String(DEFAULTS.clients)),
  };
}

function positive(name: string, value: string): number {
  const number = Number(value);
  if (!(number > 0)) throw new TypeError(`--${name} must be a number above 0, not ${value}`);
  return number;
}

function kindOf(name: string): Kind {
  const kind = KILLABLE.find((known) => known === name);
  if (kind === undefined) throw new TypeError(`--kinds: ${name} is none of ${KILLABLE.join(', ')}`);
  return kind;
}
