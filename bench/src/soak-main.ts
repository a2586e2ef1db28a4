/** A share of what the machine sustains, kept up: whether memory stays, and latency too. */
import { pinThisProcess } from './pinning';
import { keepResults, runBench, say } from './run-bench';
import { describeRun } from './run-description';
import { scenario, soak } from './soak/measure';
import { parseSoakOptions, usage } from './soak/options';
import { soakBody, soakPage } from './soak/report';
import { startSubjects } from './start-subjects';
import { subjectsNamed } from './subjects/registry';
import { CannedUpstream } from './upstream';

async function run(args: readonly string[]): Promise<void> {
  const options = parseSoakOptions(args);
  const chosen = subjectsNamed([options.subject]);
  const pinning = pinThisProcess();
  const description = describeRun('soak', pinning);
  const { sides, upstream, stop } = await startSubjects(chosen, pinning, new CannedUpstream());
  try {
    upstream.serve(scenario.delivery, scenario.bodyBytes * 0.9);
    const [side] = sides;
    if (side === undefined) throw new RangeError('there is nothing to measure');
    const result = await soak(side, options, ({ endedAtMs, p99Ms }) =>
      say(`after ${(endedAtMs / 1000).toFixed(0)} s: p99 ${p99Ms.toFixed(2)} ms`),
    );
    process.stdout.write(`\n${soakBody(result)}\n\n${description.pinning}\n`);
    if (options.keep) keepResults('soak', { ...description, options, result }, soakPage(description, result, options));
  } finally {
    await stop();
  }
}

void runBench(usage, run);
