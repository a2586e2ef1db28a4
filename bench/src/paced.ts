import { Load, type Exchange } from './load';
import { alternate, checkedExchange, settled, type NamedSubject } from './measure';
import { OpenLoad, type OpenRun } from './open-load';
import type { Scenario } from './scenarios';
import { percentile } from './statistics';

export interface Pace {
  rounds: number;
  roundMs: number;
  warmUpMs: number;
  /** Then a closed loop for so long: at a low rate V8 would still be compiling in the last round. Absent: none. */
  fullLoadMs?: number;
  perSecond: number;
}

const FULL_LOAD_CONNECTIONS = 16;

/** In the order of the rounds; latencies in milliseconds. */
export interface PacedRounds {
  /** Of whole replies while it warmed up: of a new process, where it had served nothing before. */
  warmUpP99Ms: number[];
  /** Of whole replies. */
  p50Ms: number[];
  p99Ms: number[];
  /** Until the body of a reply began. */
  beginsP50Ms: number[];
  beginsP99Ms: number[];
  /** p99 of how late requests were sent. */
  latenessMs: number[];
  /** Per request at the subject, in microseconds: at a rate that is the same for all. NaN where it is not told. */
  pacedCpuMicros: number[];
}

/**
 * An open loop at a fixed rate on every side in turn.
 *
 * @param onRound told the number of replies of every round. @returns in the order of `sides`.
 */
export async function measurePaced<Side extends NamedSubject>(
  sides: readonly Side[],
  scenario: Scenario,
  { rounds, roundMs, warmUpMs, fullLoadMs = 0, perSecond }: Pace,
  onRound: (side: Side, replies: number) => void = () => undefined,
): Promise<PacedRounds[]> {
  const loaded: { side: Side; exchanges: Exchange[]; load: OpenLoad; paced: PacedRounds }[] = [];
  for (const side of sides) {
    const exchanges = [await checkedExchange(scenario, side)];
    const load = new OpenLoad({ port: side.running.port, perSecond, exchanges });
    loaded.push({ side, exchanges, load, paced: noRounds() });
  }
  // What was started last is asked as soon as it is ready: that is when a new process has most to do.
  for (const { load, paced } of loaded.toReversed())
    paced.warmUpP99Ms.push(percentile((await load.run(warmUpMs)).latenciesMs, 0.99));
  if (fullLoadMs > 0) for (const { side, exchanges } of loaded) await fullLoad(side, exchanges, fullLoadMs);
  await alternate(loaded, rounds, async ({ side, load, paced }) => {
    const cpuBefore = await side.running.cpuMicros();
    const run = await load.run(roundMs);
    await settled(side.running);
    const replies = run.latenciesMs.length;
    paced.pacedCpuMicros.push(((await side.running.cpuMicros()) - cpuBefore) / replies);
    onRound(side, replies);
    addRound(paced, run);
    await side.running.untilIdle?.();
  });
  return loaded.map(({ paced }) => paced);
}

async function fullLoad({ running }: NamedSubject, exchanges: readonly Exchange[], durationMs: number): Promise<void> {
  const load = new Load(running.port, exchanges, FULL_LOAD_CONNECTIONS);
  await load.run(durationMs);
  load.close();
  await running.untilIdle?.();
}

export function noRounds(): PacedRounds {
  return {
    warmUpP99Ms: [],
    p50Ms: [],
    p99Ms: [],
    beginsP50Ms: [],
    beginsP99Ms: [],
    latenessMs: [],
    pacedCpuMicros: [],
  };
}

function addRound(paced: PacedRounds, { latenciesMs, beginningsMs, latenessMs }: OpenRun): void {
  paced.p50Ms.push(percentile(latenciesMs, 0.5));
  paced.p99Ms.push(percentile(latenciesMs, 0.99));
  paced.beginsP50Ms.push(percentile(beginningsMs, 0.5));
  paced.beginsP99Ms.push(percentile(beginningsMs, 0.99));
  paced.latenessMs.push(percentile(latenessMs, 0.99));
}
