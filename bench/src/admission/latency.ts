import { measurePaced, type PacedRounds } from '../paced';
import type { AdmissionOptions } from './options';
import { provingAdmission, scenario, type Side } from './sides';
import type { BatchedEdge } from './world';

/** An open loop at a fixed rate on every side in turn. @returns in the order of `sides`. */
export async function measureLatency(
  sides: readonly Side[],
  edges: readonly BatchedEdge[],
  { rounds, open }: AdmissionOptions,
): Promise<PacedRounds[]> {
  let measured: PacedRounds[] = [];
  await provingAdmission(edges, async (bounded) => {
    measured = await measurePaced(sides, scenario, { rounds, ...open }, (side, replies) => bounded.add(side, replies));
  });
  return measured;
}
