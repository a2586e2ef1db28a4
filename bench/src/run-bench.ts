import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { round } from './statistics';

export const root = path.resolve(__dirname, '../..');
export const resultsFolder = path.join(root, 'bench', 'results');
export const profilesFolder = path.join(root, '.cache', 'bench-profiles');

export const say = (line: string): void => void process.stderr.write(`${line}\n`);

/**
 * Runs a benchmark with the arguments of this process; what it throws ends on stderr, with `usage` where it is about
 * options (a TypeError), and in the exit code.
 */
export async function runBench(usage: string, run: (args: readonly string[]) => Promise<void>): Promise<void> {
  try {
    await run(process.argv.slice(2));
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
    say(error instanceof TypeError ? `${error.message}\n\n${usage}` : `${String(error)}${cause}`);
    process.exitCode = 1;
  }
}

/** Writes figures and their page into bench/results, over those of the last run. */
export function keepResults(name: string, figures: object, page: string): void {
  mkdirSync(resultsFolder, { recursive: true });
  const file = path.join(resultsFolder, `${name}.json`);
  writeFileSync(file, `${JSON.stringify(figures, rounded, 2)}\n`);
  writeFileSync(path.join(resultsFolder, `${name}.md`), page);
  process.stdout.write(`kept in ${path.relative(root, file)}\n`);
}

/** Thousandths are finer than any of it was measured. */
export function rounded(_name: string, value: unknown): unknown {
  return typeof value === 'number' ? round(value, 3) : value;
}
