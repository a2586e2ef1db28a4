import { Load, probe } from './load';
import type { BenchOptions } from './options';
import type { Scenario } from './scenarios';
import type { RunningSubject } from './subjects/subject';
import type { CannedUpstream } from './upstream';
import { answerOf } from './wire/answer';
import { answerText } from './wire/replies';
import { wireRequest } from './wire/requests';

export interface NamedSubject {
  name: string;
  running: RunningSubject;
}

/** CPU microseconds per request and requests per second of one subject, in the order of the rounds. */
export interface Rounds {
  name: string;
  cpuMicros: number[];
  perSecond: number[];
}

/** Work put off until after the reply (accounting) belongs to the request: its CPU is read after this pause. */
const settleMs = 120;

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
  for (const subject of subjects) {
    const load = await checkedLoad(scenario, subject);
    sides.push({ ...subject, load, rounds: { name: subject.name, cpuMicros: [], perSecond: [] } as Rounds });
  }
  try {
    for (const { load } of sides) await load.run(warmUpMs);
    for (let round = 0; round < options.rounds; round += 1) {
      // Back and forth, so that coming first or second favours nobody.
      for (const { running, load, rounds } of round % 2 === 0 ? sides : sides.toReversed()) {
        const { cpuMicros, perSecond } = await measureRound(running, load, options.roundMs);
        rounds.cpuMicros.push(cpuMicros);
        rounds.perSecond.push(perSecond);
      }
    }
  } finally {
    for (const { load } of sides) load.close();
  }
  return sides.map(({ rounds }) => rounds);
}

async function measureRound(running: RunningSubject, load: Load, roundMs: number) {
  const cpuBefore = await running.cpuMicros();
  const startedAt = performance.now();
  const replies = await load.run(roundMs);
  const seconds = (performance.now() - startedAt) / 1000;
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const cpuAfter = await running.cpuMicros();
  return { cpuMicros: (cpuAfter - cpuBefore) / replies, perSecond: replies / seconds };
}

/** The first reply is read as a client reads it, and gives the length the others are held to. */
async function checkedLoad(scenario: Scenario, { name, running }: NamedSubject): Promise<Load> {
  const streaming = scenario.delivery !== 'whole';
  const request = wireRequest({ ...scenario, streaming }, running.port);
  try {
    const body = await probe(running.port, request);
    const answer = answerOf(scenario.client, streaming, body);
    if (answer !== answerText) throw new Error(`the answer is not the upstream's: ${answer.slice(0, 200)}`);
    return new Load(running.port, request, { status: 200, bodyBytes: Buffer.byteLength(body) }, scenario.concurrency);
  } catch (error) {
    throw new Error(`${name}, ${scenario.name}: ${String(error)}`, { cause: error });
  }
}
