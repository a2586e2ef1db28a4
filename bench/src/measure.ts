import { Load, probe, type Exchange } from './load';
import type { BenchOptions } from './options';
import type { Scenario } from './scenarios';
import type { RunningSubject } from './subjects/subject';
import type { CannedUpstream } from './upstream';
import { answerOf } from './wire/answer';
import { answerText } from './wire/replies';
import { wireRequest, type Caller } from './wire/requests';

export interface NamedSubject {
  name: string;
  /** Whether our targets are its; absent: they are not. */
  isGateway?: boolean;
  /** Whether ours is compared with it; absent: it is not. */
  isPeer?: boolean;
  /** Absent: whatever there is. */
  can?(scenario: Pick<Scenario, 'client' | 'upstream'>): boolean;
  running: RunningSubject;
  /** Who calls, and for what; absent: the key and model of every subject. */
  caller?: Caller;
}

/** CPU microseconds per request and requests per second of one subject, in the order of the rounds. */
export interface Rounds {
  name: string;
  isGateway: boolean;
  isPeer: boolean;
  cpuMicros: number[];
  perSecond: number[];
}

const settleMs = 120;

/** Work put off until after the reply (accounting) belongs to the request: its CPU is read after this pause. */
export async function settled({ settled: done }: Pick<RunningSubject, 'settled'>): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  await done?.();
}

/** Measures every subject in turn, round by round, so that a drift of the machine touches all alike. */
export async function measure(
  scenario: Scenario,
  subjects: readonly NamedSubject[],
  upstream: CannedUpstream,
  options: BenchOptions,
  warmUpMs = options.warmUpMs,
): Promise<Rounds[]> {
  upstream.serve(scenario.delivery, scenario.bodyBytes * 0.9);
  const sides = [];
  for (const subject of subjects.filter(({ can }) => can?.(scenario) ?? true)) {
    const load = await checkedLoad(scenario, subject);
    sides.push({ ...subject, load, rounds: emptyRounds(subject) });
  }
  try {
    for (const { load, running } of sides) {
      await load.run(warmUpMs);
      await running.untilIdle?.();
    }
    await alternate(sides, options.rounds, async ({ running, load, rounds }) => {
      const { cpuMicros, perSecond } = await measureRound(running, load, options.roundMs);
      rounds.cpuMicros.push(cpuMicros);
      rounds.perSecond.push(perSecond);
      await running.untilIdle?.();
    });
  } finally {
    for (const { load } of sides) load.close();
  }
  return sides.map(({ rounds }) => rounds);
}

function emptyRounds({ name, isGateway = false, isPeer = false }: NamedSubject): Rounds {
  return { name, isGateway, isPeer, cpuMicros: [], perSecond: [] };
}

/** Each side in turn, round by round; back and forth, so that coming first or second favours nobody. */
export async function alternate<Side>(
  sides: readonly Side[],
  rounds: number,
  work: (side: Side) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) await work(side);
  }
}

/** Replies, and CPU microseconds of the subject for each of them. */
export async function measureRound(running: RunningSubject, load: Load, roundMs: number) {
  const cpuBefore = await running.cpuMicros();
  const startedAt = performance.now();
  const replies = await load.run(roundMs);
  const seconds = (performance.now() - startedAt) / 1000;
  await settled(running);
  const cpuAfter = await running.cpuMicros();
  return { replies, cpuMicros: (cpuAfter - cpuBefore) / replies, perSecond: replies / seconds };
}

async function checkedLoad(scenario: Scenario, subject: NamedSubject): Promise<Load> {
  return new Load(subject.running.port, [await checkedExchange(scenario, subject)], scenario.concurrency);
}

/** The first reply is read as a client reads it, and gives the length the others are held to. */
export async function checkedExchange(scenario: Scenario, { name, running, caller }: NamedSubject): Promise<Exchange> {
  const streaming = scenario.delivery !== 'whole';
  const request = wireRequest({ ...scenario, ...running.caller, ...caller, streaming }, running.port);
  try {
    const body = await probe(running.port, request);
    const answer = answerOf(scenario.client, streaming, body);
    if (answer !== answerText) throw new Error(`the answer is not the upstream's: ${answer.slice(0, 200)}`);
    return { request, expected: { status: 200, bodyBytes: Buffer.byteLength(body) } };
  } catch (error) {
    throw new Error(`${name}, ${scenario.name}: ${String(error)}`, { cause: error });
  }
}
