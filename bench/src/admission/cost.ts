import { Load } from '../load';
import { alternate, checkedExchange, measureRound } from '../measure';
import type { AdmissionOptions } from './options';
import { provingAdmission, scenario, type Side } from './sides';
import type { BatchedEdge } from './world';

/** Per request, in the order of the rounds; NaN where the system does not tell a process's CPU time. */
export interface CostRounds {
  /** At the subject, in microseconds. */
  cpuMicros: number[];
  perSecond: number[];
  /** At the rate-limit service, Redis and NATS together, in microseconds; usage goes through NATS too. */
  limiterMicros: number[];
}

/** A closed loop on every side in turn. @returns in the order of `sides`. */
export async function measureCost(
  sides: readonly Side[],
  edges: readonly BatchedEdge[],
  { rounds, closed }: AdmissionOptions,
): Promise<CostRounds[]> {
  const loaded: (Side & { load: Load; cost: CostRounds })[] = [];
  for (const side of sides) {
    const load = new Load(side.running.port, [await checkedExchange(scenario, side)], scenario.concurrency);
    loaded.push({ ...side, load, cost: { cpuMicros: [], perSecond: [], limiterMicros: [] } });
  }
  await provingAdmission(edges, async (bounded) => {
    for (const side of loaded) {
      bounded.add(side, await side.load.run(closed.warmUpMs));
      await side.at?.edge.untilIdle();
    }
    await alternate(loaded, rounds, async (side) => {
      const { load, running, at, cost } = side;
      const limiterBefore = at?.edge.limiterMicros() ?? 0;
      const { replies, cpuMicros, perSecond } = await measureRound(running, load, closed.roundMs);
      cost.limiterMicros.push(((at?.edge.limiterMicros() ?? 0) - limiterBefore) / replies);
      cost.cpuMicros.push(cpuMicros);
      cost.perSecond.push(perSecond);
      bounded.add(side, replies);
      // What is behind the edge is on the load's core: it is to have ended before another side is measured.
      await at?.edge.untilIdle();
    });
  });
  return loaded.map(({ cost }) => cost);
}
