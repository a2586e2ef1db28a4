/** What the gateway adds to the latency of a bare proxy at a fixed rate: of whole replies, and to the first token of streams. */
import { parseLatencyOptions, usage, type LatencyOptions } from './latency/options';
import { firstSeconds, KINDS, latencyPage, latencyTable, type LatencyKind, type LatencyResult } from './latency/report';
import { measurePaced } from './paced';
import { pinThisProcess } from './pinning';
import { keepResults, runBench, say } from './run-bench';
import { describeRun } from './run-description';
import type { Scenario } from './scenarios';
import { startSubjects, type RunningSubjects } from './start-subjects';
import { direct } from './subjects/direct';
import { baseline, subjectsNamed } from './subjects/registry';
import { CannedUpstream } from './upstream';

const scenarioOf = (kind: LatencyKind): Scenario => ({
  ...{ name: kind, client: 'anthropic', upstream: 'anthropic', bodyBytes: 1024, concurrency: 1 },
  // In few writes, at once: separate ones wait for a tick of the upstream, which would be all the noise there is.
  delivery: kind === 'whole replies' ? 'whole' : 'batched',
});

async function measureAll(
  { sides, upstream }: RunningSubjects<CannedUpstream>,
  options: LatencyOptions,
): Promise<LatencyResult[]> {
  const results: LatencyResult[] = [];
  for (const kind of KINDS) {
    say(`${kind} …`);
    const scenario = scenarioOf(kind);
    upstream.serve(scenario.delivery, scenario.bodyBytes * 0.9);
    const rounds = await measurePaced(sides, scenario, options);
    results.push({
      kind,
      sides: sides.flatMap(({ name, isGateway = false }, index) => {
        const measured = rounds[index];
        return measured === undefined ? [] : [{ name, isGateway, rounds: measured }];
      }),
    });
  }
  return results;
}

async function run(args: readonly string[]): Promise<void> {
  const options = parseLatencyOptions(args);
  const chosen = subjectsNamed(options.subjects);
  const pinning = pinThisProcess();
  const description = describeRun('latency', pinning);
  const running = await startSubjects([direct, baseline, ...chosen], pinning, new CannedUpstream());
  try {
    for (const { running: side } of running.sides) side.letLoadGoFirst?.();
    const results = await measureAll(running, options);
    process.stdout.write(`\n${latencyTable(results)}\n\n${firstSeconds(results, options)}\n${description.pinning}\n`);
    if (!options.keep) return;
    keepResults('latency', { ...description, options, results }, latencyPage(description, options, results));
  } finally {
    await running.stop();
  }
}

void runBench(usage, run);
