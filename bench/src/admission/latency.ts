import { alternate, checkedRequest, settled } from '../measure';
import { OpenLoad } from '../open-load';
import { percentile } from '../statistics';
import type { RunningEdge } from '../subjects/distributed-edge';
import type { AdmissionOptions } from './options';
import { provingAdmission, scenario, type Side } from './sides';

/** In the order of the rounds; latencies in milliseconds. */
export interface LatencyRounds {
  p50Ms: number[];
  p99Ms: number[];
  /** p99 of how late requests were sent. */
  latenessMs: number[];
  /** Per request at the subject, in microseconds: at a rate that is the same for all. NaN where it is not told. */
  pacedCpuMicros: number[];
}

/** An open loop at a fixed rate on every side in turn. @returns in the order of `sides`. */
export async function measureLatency(
  sides: readonly Side[],
  edges: readonly RunningEdge[],
  { rounds, open }: AdmissionOptions,
): Promise<LatencyRounds[]> {
  const loaded: (Side & { load: OpenLoad; latency: LatencyRounds })[] = [];
  for (const side of sides) {
    const checked = await checkedRequest(scenario, side);
    const load = new OpenLoad({ port: side.running.port, perSecond: open.perSecond, ...checked });
    loaded.push({ ...side, load, latency: { p50Ms: [], p99Ms: [], latenessMs: [], pacedCpuMicros: [] } });
  }
  await provingAdmission(edges, async (bounded) => {
    for (const { load } of loaded) await load.run(open.warmUpMs);
    await alternate(loaded, rounds, async (side) => {
      const cpuBefore = await side.running.cpuMicros();
      const { latenciesMs, latenessMs } = await side.load.run(open.roundMs);
      await settled();
      side.latency.pacedCpuMicros.push(((await side.running.cpuMicros()) - cpuBefore) / latenciesMs.length);
      bounded.add(side, latenciesMs.length);
      side.latency.p50Ms.push(percentile(latenciesMs, 0.5));
      side.latency.p99Ms.push(percentile(latenciesMs, 0.99));
      side.latency.latenessMs.push(percentile(latenessMs, 0.99));
      await side.at?.edge.untilIdle();
    });
  });
  return loaded.map(({ latency }) => latency);
}
