import { Load } from '../load';
import { checkedExchange, measureRound, settled, type NamedSubject } from '../measure';
import type { Scenario } from '../scenarios';
import { attribute, type FunctionTime } from './attribute';
import type { BudgetOptions } from './options';
import type { Stage } from './stages';

/** Where one request's time goes at one subject, in microseconds. */
export interface Budget {
  scenario: string;
  subject: string;
  /** CPU by the scheduler, all threads, without a profiler: what the stages explain. */
  cpuMicros: number;
  /** Of the profiled thread, all stages together. */
  profiledMicros: number;
  stages: Record<Stage, number>;
  functions: FunctionTime[];
}

const functionsMost = 40;

/** @throws Error when the subject cannot be profiled. */
export async function measureBudget(scenario: Scenario, side: NamedSubject, options: BudgetOptions): Promise<Budget> {
  const { running, name } = side;
  const load = new Load(running.port, [await checkedExchange(scenario, side)], scenario.concurrency);
  await load.run(options.warmUpMs);
  await running.untilIdle?.();
  const { cpuMicros } = await measureRound(running, load, options.plainMs);
  await running.untilIdle?.();
  if (running.profile === undefined) throw new Error(`${name} cannot be profiled`);
  const end = await running.profile();
  const replies = await load.run(options.profiledMs);
  await settled(running);
  const { stages, functions } = attribute(await end());
  await running.untilIdle?.();
  const perRequest = (micros: number): number => micros / replies;
  const entries = Object.entries(stages).map(([stage, micros]) => [stage, perRequest(micros)] as const);
  return {
    ...{ scenario: scenario.name, subject: name, cpuMicros },
    profiledMicros: entries.reduce((sum, [, micros]) => sum + micros, 0),
    stages: Object.fromEntries(entries) as Record<Stage, number>,
    functions: functions
      .slice(0, functionsMost)
      .map(({ at, stage, micros }) => ({ at, stage, micros: perRequest(micros) })),
  };
}
