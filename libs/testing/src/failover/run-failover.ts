import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  evaluateFault,
  evaluateOutage,
  type FaultFigures,
  type OutageFigures,
  type Targets,
  type Trial,
} from './evaluate';
import type { Fault } from './faults';
import { Clients, OpenLoad } from './open-load';
import type { FailoverOptions } from './options';
import { FIRST_TOKEN_MS, MODEL, startFailoverWorld, TRIAL_KEY, type FailoverWorld } from './world';

export interface FailoverResult {
  /** One upstream of two failed. */
  faults: FaultFigures[];
  /** Both did. */
  outages: OutageFigures[];
  /** By how much requests left too late, 99 of 100, in milliseconds. */
  latenessP99Ms: number;
  violated: boolean;
}

export interface FailoverSurroundings {
  say: (line: string) => void;
  /** Ends the run early, everything stopped. */
  signal?: AbortSignal;
}

export const TARGETS: Targets = {
  extraShareMost: 0.1,
  movedMsMost: 2_000,
  backMsMost: 15_000,
  answerMsMost: FIRST_TOKEN_MS,
};

/** So many at a time, so that processes that are still cold are not flooded. */
const WARM_UP_CLIENTS = 16;

/**
 * An even load on the distributed form whose upstreams fail in turn. The logs of its processes stay where a target was
 * missed. Rejects where the stack or a simulator does not come up, and when `signal` aborts it.
 */
export async function runFailover(
  options: FailoverOptions,
  { say, signal = new AbortController().signal }: FailoverSurroundings,
): Promise<FailoverResult> {
  const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-failover-'));
  // Run as root, Postgres is another user, who has to get through.
  chmodSync(folder, 0o711);
  const dataDir = path.join(folder, 'data');
  let violated = true;
  try {
    const world = await startFailoverWorld(dataDir);
    try {
      const result = await failoverIn(world, options, { say, signal });
      ({ violated } = result);
      return result;
    } finally {
      await world.stop();
    }
  } finally {
    if (violated && !signal.aborted) say(`logs: ${onlyLogs(dataDir)}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

async function failoverIn(
  world: FailoverWorld,
  { faults, rate, faultMs, seed }: FailoverOptions,
  surroundings: Required<FailoverSurroundings>,
): Promise<FailoverResult> {
  const { signal } = surroundings;
  const startedAtMs = performance.now();
  const say = (line: string): void =>
    surroundings.say(`+${((performance.now() - startedAtMs) / 1_000).toFixed(1).padStart(5)} s  ${line}`);
  const clients = new Clients({ url: world.stack.url, model: MODEL, key: TRIAL_KEY, seed });
  let load: OpenLoad | undefined;
  const trials: Trial[] = [];
  try {
    await clients.warmUp(WARM_UP_CLIENTS, faultMs, signal);
    load = new OpenLoad(clients, rate);
    const either = AbortSignal.any([signal, load.stuck.signal]);
    for (const fault of faults) trials.push(await tryFault(world, fault, faultMs, { say, signal: either }));
  } catch (error) {
    clients.close();
    await load?.stop();
    throw load?.stuck.signal.aborted === true ? load.stuck.signal.reason : error;
  }
  say('the last calls end');
  const calls = await load.stop();
  clients.close();
  const one = trials.filter(({ faulty }) => faulty !== undefined);
  const both = trials.filter(({ faulty }) => faulty === undefined);
  const result = {
    faults: one.map((trial) => evaluateFault(calls, trial, TARGETS)),
    outages: both.map((trial) => evaluateOutage(calls, trial, TARGETS)),
  };
  const violated = [...result.faults, ...result.outages].some(({ violations }) => violations.length > 0);
  return { ...result, latenessP99Ms: load.latenessP99Ms, violated };
}

async function tryFault(
  { upstreams }: FailoverWorld,
  fault: Fault,
  faultMs: number,
  { say, signal }: Required<FailoverSurroundings>,
): Promise<Trial> {
  const struck = fault.ofBoth ? upstreams : [upstreams[0]];
  const pause = (ms: number): Promise<void> => delay(ms, undefined, { signal });
  const received = async (): Promise<number> => {
    const counts = await Promise.all(upstreams.map((upstream) => upstream.received()));
    return counts.reduce((sum, count) => sum + count, 0);
  };
  const healthyFromMs = performance.now();
  await pause(fault.ofBoth ? faultMs / 3 : (2 * faultMs) / 3);
  const receivedBefore = await received();
  const faultAtMs = performance.now();
  say(`${fault.name}: ${struck.map(({ id }) => id).join(' and ')}`);
  await Promise.all(struck.map((upstream) => fault.strike(upstream)));
  await pause(fault.ofBoth ? (2 * faultMs) / 3 : faultMs);
  await Promise.all(struck.map((upstream) => fault.heal(upstream)));
  const healedAtMs = performance.now();
  say(`${fault.name}: over`);
  await pause(fault.ofBoth ? faultMs : (4 * faultMs) / 3);
  const endedAtMs = performance.now();
  return {
    ...{ fault: fault.name, mayBreak: fault.mayBreak, received: (await received()) - receivedBefore },
    phases: { healthyFromMs, faultAtMs, healedAtMs, endedAtMs },
    ...(!fault.ofBoth && { faulty: upstreams[0].id }),
  };
}

/** @returns where they are. */
function onlyLogs(dataDir: string): string {
  for (const name of readdirSync(dataDir)) {
    if (name !== 'logs') rmSync(path.join(dataDir, name), { recursive: true, force: true });
  }
  return path.join(dataDir, 'logs');
}
