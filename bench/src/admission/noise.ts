import { alternate, checkedExchange } from '../measure';
import { nowMs } from '../now';
import { OpenLoad, type OpenRun } from '../open-load';
import { percentile } from '../statistics';
import { noisyCaller, noisyPerMinute, noisyPerSecond, quietCaller, quietPerSecond } from './callers';
import type { AdmissionOptions } from './options';
import { scenario } from './sides';
import type { BatchedEdge } from './world';

/** What a quiet tenant's calls took, in milliseconds, in the order of the rounds. */
export interface QuietRounds {
  calls: number;
  p50Ms: number[];
  p99Ms: number[];
  /** p99 of how late they were sent: what of the latencies is the load's own doing, and the machine's. */
  latenessMs: number[];
}

export interface NoiseResult {
  /** ADMISSION_BATCH_MAX of the edge. */
  batchMax: number;
  alone: QuietRounds;
  beside: QuietRounds;
  /** The noisy key's calls, those of the warm-up included. */
  noisy: { answered: number; refused: number; answeredMost: number };
}

/**
 * A quiet tenant's calls, alone and beside a key of another tenant that is called at 100 times its limit.
 *
 * @throws when the noisy key got more than its limit, or a quiet call was not answered with 200.
 */
export async function measureNoise(edge: BatchedEdge, { rounds, noise }: AdmissionOptions): Promise<NoiseResult> {
  const name = `batch ${edge.batchMax}`;
  const loadOf = async (caller: typeof quietCaller, perSecond: number, mayBeRefused: boolean): Promise<OpenLoad> => {
    const exchange = await checkedExchange(scenario, { name, running: edge, caller });
    return new OpenLoad({ port: edge.port, perSecond, mayBeRefused, exchanges: [exchange] });
  };
  const startedAtMs = nowMs();
  const quiet = await loadOf(quietCaller, quietPerSecond, false);
  const loud = await loadOf(noisyCaller, noisyPerSecond, true);
  const [alone, beside] = [emptyRounds(), emptyRounds()];
  // One was asked to see what a reply looks like.
  const noisy = { answered: 1, refused: 0, answeredMost: 0 };
  const besideNoise = async (durationMs: number): Promise<OpenRun> => {
    const [heard, made] = await Promise.all([quiet.run(durationMs), loud.run(durationMs)]);
    noisy.answered += made.latenciesMs.length;
    noisy.refused += made.refused;
    return heard;
  };
  // What is still cold has no room for all of it at once.
  await quiet.run(noise.warmUpMs / 2);
  await besideNoise(noise.warmUpMs);
  const turns = [
    { into: alone, run: (durationMs: number) => quiet.run(durationMs) },
    { into: beside, run: besideNoise },
  ];
  await alternate(turns, rounds, async ({ into, run }) => {
    await edge.untilIdle();
    await run(noise.leadMs);
    const { latenciesMs, latenessMs } = await run(noise.roundMs);
    into.calls += latenciesMs.length;
    into.p50Ms.push(percentile(latenciesMs, 0.5));
    into.p99Ms.push(percentile(latenciesMs, 0.99));
    into.latenessMs.push(percentile(latenessMs, 0.99));
  });
  noisy.answeredMost = noisyPerMinute + Math.ceil(((nowMs() - startedAtMs) / 60_000) * noisyPerMinute);
  if (noisy.answered > noisy.answeredMost) {
    throw new Error(`the noisy key got ${noisy.answered} calls where its limit allows ${noisy.answeredMost}`);
  }
  return { batchMax: edge.batchMax, alone, beside, noisy };
}

function emptyRounds(): QuietRounds {
  return { calls: 0, p50Ms: [], p99Ms: [], latenessMs: [] };
}
