import type { UpstreamState } from '@switchboard/contracts';
import type { UpstreamHealth } from '../health/upstream-health';

/** Something a request may go to, with its place in the list it stands in. */
export interface Choice {
  readonly health: UpstreamHealth;
  /** Its share among its equals; more than 0. */
  readonly weight: number;
  /** Of its name, unsigned 32 bits: what a session clings to. */
  readonly hash: number;
  /** Place by policy while it is healthy; lower is better, and equals share the load. */
  readonly rank: number;
  /** Place by policy while it is degraded. */
  readonly degradedRank: number;
}

export interface PickOptions {
  /** Any clock in milliseconds that never goes back. */
  nowMs: number;
  /** 0 to 1. */
  random: () => number;
  /** Asked only among equals: unsigned 32 bits, equal for what the same prompt cache serves; undefined: it does not matter. */
  affinity?: (() => number | undefined) | undefined;
  /** Whether another upstream may be tried after it, so that it may find out how an ailing one is. */
  mayTry: boolean;
}

/** A favourite with so many times the calls of its equals under way, and some more, is left to those it serves already. */
const SATURATED_TIMES = 2;
const SATURATED_CALLS = 8;

/**
 * The choices that may be tried now, best first: by rank as they fare, those half-open last, and of the best equals one by
 * affinity, else the less loaded of two drawn by chance. Empty: every one of them is open, or
 * hangs and is being tried. Of one choice costs a comparison; nothing is allocated while all are healthy and the first stays first.
 */
export function pick<C extends Choice>(choices: readonly C[], options: PickOptions): readonly C[] {
  const { nowMs } = options;
  if (choices.some(({ health }) => health.standing(nowMs) !== 'healthy')) return pickAmongAiling(choices, options);
  let equals = 1;
  while (equals < choices.length && choices[equals]?.rank === choices[0]?.rank) equals++;
  return bestOfEquals(choices, equals, options);
}

interface Placed<C> {
  choice: C;
  standing: UpstreamState;
  place: number;
}

function pickAmongAiling<C extends Choice>(choices: readonly C[], options: PickOptions): readonly C[] {
  const placed: Placed<C>[] = [];
  for (const choice of choices) {
    const standing = choice.health.standing(options.nowMs);
    if (standing !== 'open') placed.push({ choice, standing, place: placeOf(choice, standing) });
  }
  // Of equal places the order stays.
  placed.sort((left, right) => left.place - right.place);
  if (placed.every(isHanging)) return firstOnTrial(placed, options.nowMs);
  const order = placed.map(({ choice }) => choice);
  if (options.mayTry && placed.length > 1) {
    const trial = placed.findIndex(({ choice, standing }) => choice.health.takeTrial(standing, options.nowMs));
    if (trial !== -1) return toFront(order, trial);
  }
  let equals = 1;
  while (equals < placed.length && placed[equals]?.place === placed[0]?.place) equals++;
  return bestOfEquals(order, equals, options);
}

function isHanging<C extends Choice>({ choice, standing }: Placed<C>): boolean {
  return standing === 'half-open' && choice.health.breaker.hangs;
}

/** Where there is nothing but what hangs, one call at a time finds out; none of the others is to wait in vain. */
function firstOnTrial<C extends Choice>(placed: readonly Placed<C>[], nowMs: number): readonly C[] {
  const trial = placed.find(({ choice }) => choice.health.takeTrial('half-open', nowMs));
  return trial === undefined ? [] : [trial.choice];
}

/** `equals`: how many there are of the best, which come first. */
function bestOfEquals<C extends Choice>(order: readonly C[], equals: number, options: PickOptions): readonly C[] {
  if (equals <= 1 || order.length <= 1) return order;
  return toFront(order, chooseAmong(equals === order.length ? order : order.slice(0, equals), options));
}

/** After every rank there may be. */
const HALF_OPEN_PLACE = 1e9;

export function placeOf(choice: Choice, standing: UpstreamState): number {
  switch (standing) {
    case 'healthy':
      return choice.rank;
    case 'degraded':
      return choice.degradedRank;
    default:
      return HALF_OPEN_PLACE + choice.rank;
  }
}

function chooseAmong(equals: readonly Choice[], { affinity, random, nowMs }: PickOptions): number {
  const wanted = affinity?.();
  if (wanted !== undefined) {
    const favourite = favouriteOf(equals, wanted);
    if (!isSaturated(equals, favourite)) return favourite;
  }
  const first = Math.floor(random() * equals.length);
  let second = Math.floor(random() * (equals.length - 1));
  if (second >= first) second++;
  return loadOf(equals[second], nowMs) < loadOf(equals[first], nowMs) ? second : first;
}

/** By rendezvous hashing: when one comes or goes, only what it served moves. */
function favouriteOf(equals: readonly Choice[], affinity: number): number {
  let favourite = 0;
  let highest = -1;
  equals.forEach(({ hash, weight }, index) => {
    // Weighted: −w / ln u of a uniform u.
    const score = -weight / Math.log((mix(hash ^ affinity) + 1) / 4_294_967_297);
    if (score <= highest) return;
    highest = score;
    favourite = index;
  });
  return favourite;
}

function isSaturated(equals: readonly Choice[], favourite: number): boolean {
  let own = 0;
  let others = 0;
  equals.forEach(({ health }, index) => {
    if (index === favourite) own = health.inFlight;
    else others += health.inFlight;
  });
  return own > SATURATED_CALLS + (SATURATED_TIMES * others) / (equals.length - 1);
}

/** How long the next call would wait there, by the calls under way and what they take. */
function loadOf(choice: Choice | undefined, nowMs: number): number {
  if (choice === undefined) return Infinity;
  const { health, weight } = choice;
  return ((health.inFlight + 1) * (1 + health.latency.expectedMs(nowMs))) / weight;
}

function toFront<C>(order: readonly C[], index: number): readonly C[] {
  if (index === 0) return order;
  return [...order.slice(index, index + 1), ...order.slice(0, index), ...order.slice(index + 1)];
}

/** The finalizer of MurmurHash3: every bit of the input moves every bit of the output. */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * Where all are open: the one that is tried again soonest, of those that fail at once. Undefined: there is none; what hangs,
 * has no room or refuses the account would cost the client its patience for the same answer.
 */
export function lastResort<C extends Choice>(choices: readonly C[], nowMs: number): C | undefined {
  let soonest: C | undefined;
  for (const choice of choices) {
    const { account, breaker } = choice.health;
    if (choice.health.parkedForMs(nowMs) > 0 || account.closedForMs(nowMs) > 0 || breaker.cause === 'timeout') continue;
    if (soonest === undefined || choice.health.closedForMs(nowMs) < soonest.health.closedForMs(nowMs)) soonest = choice;
  }
  return soonest;
}
