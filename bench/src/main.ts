import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { measure, type NamedSubject } from './measure';
import { parseOptions, usage, type BenchOptions } from './options';
import { pinThisProcess } from './pinning';
import { page, summarise, table, type BenchDescription, type ScenarioResult } from './report';
import { profilesFolder, resultsFolder, root, runBench } from './run-bench';
import { describeRun } from './run-description';
import { scenarios } from './scenarios';
import { startSubjects } from './start-subjects';
import { baseline, subjectsNamed } from './subjects/registry';
import { CannedUpstream } from './upstream';

/** A scenario a subject cannot do is reported as failed; the others still run. */
async function runScenarios(options: BenchOptions, running: readonly NamedSubject[], upstream: CannedUpstream) {
  const results: ScenarioResult[] = [];
  const wanted = scenarios.filter(({ name }) => name.includes(options.filter));
  for (const [index, scenario] of wanted.entries()) {
    const warmUpMs = index === 0 ? options.firstWarmUpMs : options.warmUpMs;
    const result = await measure(scenario, running, upstream, options, warmUpMs).then(
      (sides) => summarise(scenario, sides),
      (error: unknown) => ({ scenario: scenario.name, subjects: [], failure: String(error) }),
    );
    results.push(result);
    process.stderr.write(`${result.failure ?? `${scenario.name}: ${describeRatios(result)}`}\n`);
  }
  return results;
}

function describeRatios({ subjects: sides }: ScenarioResult): string {
  return sides.map(({ name, cpuMicros, ratio }) => `${name} ${cpuMicros} µs (${ratio.median})`).join(', ');
}

async function run(options: BenchOptions): Promise<ScenarioResult[]> {
  const chosen = [baseline, ...subjectsNamed(options.subjects)];
  const pinning = pinThisProcess();
  const { name, rounds, roundMs } = options;
  const described = { ...describeRun(name, pinning), subjects: options.subjects, rounds, roundMs };
  const { sides, upstream, stop } = await startSubjects(
    chosen,
    pinning,
    new CannedUpstream(),
    options.profile ? { profilesFolder } : {},
  );
  try {
    const results = await runScenarios(options, sides, upstream);
    const remarks = sides.flatMap((side) =>
      (side.running.remarks?.() ?? []).map((remark) => `${side.name}: ${remark}`),
    );
    process.stdout.write(`\n${table(results)}\n\n${[described.pinning, ...remarks].join('\n')}\n`);
    if (options.keep) keep({ ...described, remarks }, results);
    return results;
  } finally {
    await stop();
  }
}

function keep(description: BenchDescription, results: readonly ScenarioResult[]): void {
  mkdirSync(resultsFolder, { recursive: true });
  const file = path.join(resultsFolder, `${description.startedAt.slice(0, 10)}-${description.name}.json`);
  writeFileSync(file, `${JSON.stringify({ ...description, results }, null, 2)}\n`);
  writeFileSync(path.join(resultsFolder, 'latest.md'), page(description, results));
  process.stdout.write(`kept in ${path.relative(root, file)}\n`);
}

async function main(args: readonly string[]): Promise<void> {
  const results = await run(parseOptions(args));
  if (results.length === 0) throw new TypeError('no scenario has such a name');
  if (results.some(({ failure }) => failure !== undefined)) process.exitCode = 1;
}

void runBench(usage, main);
