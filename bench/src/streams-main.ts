/** Many streams at once through one process on one core: how late chunks come, and what memory it takes. */
import { pinThisProcess } from './pinning';
import { keepResults, runBench, say } from './run-bench';
import { describeRun } from './run-description';
import { startSubjects } from './start-subjects';
import { measureStreams } from './streams/measure';
import { parseStreamsOptions, usage } from './streams/options';
import { streamsBody, streamsPage } from './streams/report';
import { StampedUpstream } from './streams/stamped-upstream';
import { direct } from './subjects/direct';
import { baseline, subjectsNamed } from './subjects/registry';

async function run(args: readonly string[]): Promise<void> {
  const options = parseStreamsOptions(args);
  const chosen = subjectsNamed(options.subjects);
  const pinning = pinThisProcess();
  const description = describeRun('streams', pinning);
  const { sides, upstream, stop } = await startSubjects([direct, baseline, ...chosen], pinning, new StampedUpstream());
  try {
    const measured = await measureStreams(sides, upstream, options, (name, { chunksPerSecond, p99Ms, maxMs }) =>
      say(`${name}: ${chunksPerSecond.toFixed(0)} chunks/s, p99 ${p99Ms.toFixed(1)} ms, worst ${maxMs.toFixed(1)} ms`),
    );
    process.stdout.write(`\n${streamsBody(measured, options)}\n\n${description.pinning}\n`);
    if (!options.keep) return;
    keepResults('streams', { ...description, options, sides: measured }, streamsPage(description, measured, options));
  } finally {
    await stop();
  }
}

void runBench(usage, run);
