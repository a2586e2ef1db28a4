/** Prompts of 50,000 to 100,000 tokens: how many a second one core carries, and what is added to the first token. */
import { measureLongPrompts, promptBytes } from './long-prompts/measure';
import { parseLongPromptsOptions, usage } from './long-prompts/options';
import { longPromptsPage, longPromptsTable } from './long-prompts/report';
import { pinThisProcess } from './pinning';
import { keepResults, runBench } from './run-bench';
import { describeRun } from './run-description';
import { startSubjects } from './start-subjects';
import { baseline, subjectsNamed } from './subjects/registry';
import { CannedUpstream } from './upstream';

async function run(args: readonly string[]): Promise<void> {
  const options = parseLongPromptsOptions(args);
  const chosen = subjectsNamed(options.subjects);
  const pinning = pinThisProcess();
  const description = describeRun('long-prompts', pinning);
  const { sides, upstream, stop } = await startSubjects([baseline, ...chosen], pinning, new CannedUpstream());
  try {
    upstream.serve('as asked', Math.min(...promptBytes) * 0.9);
    const measured = await measureLongPrompts(sides, options);
    process.stdout.write(`\n${longPromptsTable(measured)}\n\n${description.pinning}\n`);
    if (!options.keep) return;
    const page = longPromptsPage(description, measured, options);
    keepResults('long-prompts', { ...description, options, sides: measured }, page);
  } finally {
    await stop();
  }
}

void runBench(usage, run);
