/**
 * How long questions about usage take over ten million calls. The measuring is done by a program of apps/metering, in a
 * process of its own: nothing here may import what it measures.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { describeRun } from './run-description';
import { parseQueryTimes, queriesPage, queriesTable } from './usage-queries/report';

const root = path.resolve(__dirname, '../..');
const program = path.join(root, 'apps/metering/dist/measure-usage-queries.js');
const page = path.join(root, 'bench/results/usage-queries.md');

const usage = `npm run bench:usage-queries -- [--rows N] [--runs N]
  --rows  calls to make, 10,000,000; with fewer the figures are not kept
  --runs  how often each question is asked, 30`;
const ROWS = 10_000_000;
const RUNS = 30;

/** @throws Error when the program fails. */
function measure(rows: number, runs: number): string {
  const { status, stdout, error } = spawnSync(process.execPath, [program, String(rows), String(runs)], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status === 0) return stdout;
  throw new Error(`${path.relative(root, program)} failed`, { cause: error });
}

/** @throws TypeError */
function count(name: string, text: string | undefined, standard: number): number {
  const value = Number(text ?? standard);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new TypeError(`--${name} takes a number from 1 on`);
}

function main(): void {
  const { values } = parseArgs({ options: { rows: { type: 'string' }, runs: { type: 'string' } } });
  const rows = count('rows', values.rows, ROWS);
  const runs = count('runs', values.runs, RUNS);
  const description = describeRun('usage-queries', {
    ...{ prefix: [], moveDescendants: () => undefined, moveSubject: () => undefined },
    description: 'not pinned: the process and its database share the cores',
  });
  const times = parseQueryTimes(measure(rows, runs));
  process.stdout.write(`${queriesTable(times)}\n`);
  if (rows < ROWS) return;
  mkdirSync(path.dirname(page), { recursive: true });
  writeFileSync(page, queriesPage(description, rows, times));
  process.stdout.write(`kept in ${path.relative(root, page)}\n`);
}

try {
  main();
} catch (error) {
  process.stderr.write(error instanceof TypeError ? `${error.message}\n\n${usage}\n` : `${String(error)}\n`);
  process.exitCode = 1;
}
