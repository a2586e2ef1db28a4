/**
 * What admission costs on the hot path of the distributed form, alone and batched, and whether a noisy key disturbs
 * another tenant: everything in one run, in alternating rounds.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { measureCost } from './admission/cost';
import { measureLatency } from './admission/latency';
import { measureNoise, type NoiseResult } from './admission/noise';
import { parseAdmissionOptions, usage, type AdmissionOptions } from './admission/options';
import { admissionPage, body, noiseTables, type AdmissionResult } from './admission/report';
import { sidesOf } from './admission/sides';
import { startWorld, type World } from './admission/world';
import { pinThisProcess } from './pinning';
import { isTold } from './process-cpu';
import { profilesFolder, resultsFolder, root, rounded, runBench, say } from './run-bench';
import { describeRun, type RunDescription } from './run-description';

function measureNoiseIn({ edges }: World, options: AdmissionOptions): Promise<NoiseResult> {
  say('a noisy neighbour …');
  const edge = edges.at(-1);
  if (edge === undefined) throw new RangeError('there is no edge');
  return measureNoise(edge, options);
}

async function measureAll(world: World, options: AdmissionOptions): Promise<AdmissionResult> {
  const sides = sidesOf(world);
  say('CPU and throughput …');
  const costs = await measureCost(sides, world.edges, options);
  say('latency …');
  const latencies = await measureLatency(sides, world.edges, options);
  const noise = await measureNoiseIn(world, options);
  return {
    sides: sides.flatMap(({ name, at }, index) => {
      const [cost, latency] = [costs[index], latencies[index]];
      const which = at === undefined ? {} : { batchMax: at.edge.batchMax, bounds: at.bounds };
      return cost === undefined || latency === undefined ? [] : [{ name, ...which, ...cost, ...latency }];
    }),
    noise,
  };
}

async function run(options: AdmissionOptions): Promise<void> {
  const pinning = pinThisProcess();
  const description = describeRun(options.name, pinning);
  if (!isTold()) say('no /proc/<pid>/schedstat here: CPU time of the edge cannot be told');
  const world = await startWorld(options, pinning, profilesFolder);
  try {
    if (options.noiseOnly) {
      process.stdout.write(`\n${noiseTables({ noise: await measureNoiseIn(world, options) })}\n`);
      return;
    }
    const result = await measureAll(world, options);
    process.stdout.write(`\n${body(result, options)}\n${description.pinning}\n`);
    if (options.keep) keep(description, result, options);
  } finally {
    await world.stop();
  }
}

function keep(description: RunDescription, result: AdmissionResult, options: AdmissionOptions): void {
  mkdirSync(resultsFolder, { recursive: true });
  const file = path.join(resultsFolder, `${description.startedAt.slice(0, 10)}-admission-${description.name}.json`);
  const { rounds, closed, open, noise } = options;
  const kept = { ...description, ...{ rounds, closed, open, noise }, result };
  writeFileSync(file, `${JSON.stringify(kept, rounded, 2)}\n`);
  writeFileSync(path.join(resultsFolder, 'admission.md'), admissionPage(description, result, options));
  process.stdout.write(`kept in ${path.relative(root, file)}\n`);
}

void runBench(usage, (args) => run(parseAdmissionOptions(args)));
