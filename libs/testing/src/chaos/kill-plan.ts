import { Random } from './random';

/** Whom `stack.control('kill', …)` knows. */
export const KILLABLE = [
  'edge-api',
  'rate-limit',
  'metering',
  'router',
  'admin-api',
  'nats',
  'redis',
  'postgres',
] as const;
export type Kind = (typeof KILLABLE)[number];

/** Of the stack a chaos run is about; a kind that is not here has one process. */
export const REPLICAS: Readonly<Record<string, number>> = { 'edge-api': 3, 'rate-limit': 2, metering: 2 };

export interface Victim {
  kind: Kind;
  /** From 1. */
  replica: number;
  /** As the stack's control names it: `edge-api-2`, `nats`. */
  label: string;
}

/** One or two processes, killed one shortly after the other. */
export interface KillRound {
  victims: Victim[];
  /** Between the first and the second. */
  gapMs: number;
  /** From when all are back to the next round. */
  pauseMs: number;
}

const PAIRS = 0.45;
const GAP_MS_MOST = 400;
const PAUSE_MS = { least: 1_500, most: 5_000 };

/** Endless: whom a seed kills, one at a time and in pairs. */
export function* drawnRounds(seed: number, kinds: readonly Kind[]): Generator<KillRound> {
  const random = new Random(seed);
  for (;;) {
    const first = victimOf(random, random.pick(kinds));
    const second = random.chance(PAIRS) ? victimOf(random, random.pick(kinds)) : undefined;
    // Two of one kind at once are fine, twice the same process is not.
    const victims = second === undefined || second.label === first.label ? [first] : [first, second];
    yield { victims, ...pausesOf(random) };
  }
}

/** As they are given; the seed draws replicas and pauses. */
export function* listedRounds(seed: number, rounds: readonly (readonly Kind[])[]): Generator<KillRound> {
  const random = new Random(seed);
  for (const kinds of rounds) {
    yield { victims: kinds.map((kind) => victimOf(random, kind)), ...pausesOf(random) };
  }
}

function victimOf(random: Random, kind: Kind): Victim {
  const replicas = REPLICAS[kind] ?? 1;
  const replica = random.between(1, replicas);
  return { kind, replica, label: replicas === 1 ? kind : `${kind}-${replica}` };
}

function pausesOf(random: Random): { gapMs: number; pauseMs: number } {
  return { gapMs: random.between(0, GAP_MS_MOST), pauseMs: random.between(PAUSE_MS.least, PAUSE_MS.most) };
}
