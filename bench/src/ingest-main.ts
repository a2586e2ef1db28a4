/**
 * What the ingest of usage reaches beside a bare insert of the same rows. The measuring is done by a program of
 * apps/metering, in a process of its own: nothing here may import what it measures.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ingestPage, ingestTable, parseRounds } from './ingest/report';
import { describeRun } from './run-description';

const root = path.resolve(__dirname, '../..');
const program = path.join(root, 'apps/metering/dist/measure-ingest.js');
const page = path.join(root, 'bench/results/ingest.md');

const usage = `npm run bench:ingest -- [--quick]
  --quick  few and short rounds, for a first look; not kept`;

/** @throws Error when the program fails. */
function measure(rounds: number, batches: number): string {
  const { status, stdout, error } = spawnSync(process.execPath, [program, String(rounds), String(batches)], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status === 0) return stdout;
  throw new Error(`${path.relative(root, program)} failed`, { cause: error });
}

function main(): void {
  const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
  const description = describeRun('ingest', {
    ...{ prefix: [], moveDescendants: () => undefined, moveSubject: () => undefined },
    description: 'not pinned: the process and its database share the cores',
  });
  const rounds = parseRounds(values.quick ? measure(2, 1) : measure(15, 3));
  process.stdout.write(`${ingestTable(rounds)}\n`);
  if (values.quick) return;
  mkdirSync(path.dirname(page), { recursive: true });
  writeFileSync(page, ingestPage(description, rounds));
  process.stdout.write(`kept in ${path.relative(root, page)}\n`);
}

try {
  main();
} catch (error) {
  process.stderr.write(error instanceof TypeError ? `${error.message}\n\n${usage}\n` : `${String(error)}\n`);
  process.exitCode = 1;
}
