import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { measure, type NamedSubject } from './measure';
import { parseOptions, usage, type BenchOptions } from './options';
import { pinThisProcess } from './pinning';
import { page, summarise, table, type BenchDescription, type ScenarioResult } from './report';
import { describeRun } from './run-description';
import { scenarios } from './scenarios';
import { baseline, subjects } from './subjects/registry';
import type { Subject } from './subjects/subject';
import { CannedUpstream } from './upstream';

const root = path.resolve(__dirname, '../..');
const resultsFolder = path.join(root, 'bench', 'results');
const profilesFolder = path.join(root, '.cache', 'bench-profiles');

function chosenSubjects(names: readonly string[]): Subject[] {
  const chosen = names.map((name) => {
    const subject = subjects.get(name);
    if (subject === undefined) throw new TypeError(`no subject ${name}; there are ${[...subjects.keys()].join(', ')}`);
    return subject;
  });
  return [baseline, ...chosen];
}

/** A scenario a subject cannot do is reported as failed; the others still run. */
async function runScenarios(options: BenchOptions, running: readonly NamedSubject[], upstream: CannedUpstream) {
  const results: ScenarioResult[] = [];
  const wanted = scenarios.filter(({ name }) => name.includes(options.filter));
  for (const [index, scenario] of wanted.entries()) {
    const warmUpMs = index === 0 ? options.firstWarmUpMs : options.warmUpMs;
    const result = await measure(scenario, running, upstream, options, warmUpMs).then(
      (sides) => summarise(scenario.name, sides),
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
  const chosen = chosenSubjects(options.subjects);
  const pinning = pinThisProcess();
  const { name, rounds, roundMs } = options;
  const description = { ...describeRun(name, pinning), rounds, roundMs };
  const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-bench-'));
  // Run as root, Postgres is another user, who has to get through.
  chmodSync(folder, 0o711);
  const upstream = new CannedUpstream();
  const running: NamedSubject[] = [];
  try {
    const upstreamPort = await upstream.listen();
    for (const [index, subject] of chosen.entries()) {
      const own = path.join(folder, String(index));
      mkdirSync(own);
      const { prefix: pinPrefix, moveDescendants, moveSubject } = pinning;
      const context = { upstreamPort, pinPrefix, moveDescendants, moveSubject, folder: own };
      const profiling = options.profile ? { profileFolder: path.join(profilesFolder, subject.name) } : {};
      running.push({ name: subject.name, running: await subject.start({ ...context, ...profiling }) });
    }
    const results = await runScenarios(options, running, upstream);
    process.stdout.write(`\n${table(results)}\n\n${description.pinning}\n`);
    if (options.keep) keep(description, results);
    return results;
  } finally {
    for (const subject of running) await subject.running.stop();
    upstream.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function keep(description: BenchDescription, results: readonly ScenarioResult[]): void {
  mkdirSync(resultsFolder, { recursive: true });
  const file = path.join(resultsFolder, `${description.startedAt.slice(0, 10)}-${description.name}.json`);
  writeFileSync(file, `${JSON.stringify({ ...description, results }, null, 2)}\n`);
  writeFileSync(path.join(resultsFolder, 'latest.md'), page(description, results));
  process.stdout.write(`kept in ${path.relative(root, file)}\n`);
}

async function main(): Promise<void> {
  try {
    const results = await run(parseOptions(process.argv.slice(2)));
    if (results.length === 0) throw new TypeError('no scenario has such a name');
    process.exitCode = results.some(({ failure }) => failure !== undefined) ? 1 : 0;
  } catch (error) {
    process.stderr.write(error instanceof TypeError ? `${error.message}\n\n${usage}\n` : `${String(error)}\n`);
    process.exitCode = 1;
  }
}

void main();
