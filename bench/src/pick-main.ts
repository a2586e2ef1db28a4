/** What it costs to pick an upstream, in microseconds, with the candidates in every state that costs something. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { AccountHealth, hashText, pick, UpstreamHealth, type Choice } from '@switchboard/upstreams';
import { markdownTable } from './markdown-table';
import { describeRun, runLines } from './run-description';
import { median } from './statistics';

const page = path.resolve(__dirname, '../results/pick.md');
const TARGET_MICROS = 5;
const ROUNDS = 15;

interface Case {
  name: string;
  affinity?: number;
  /** Share of the candidates that failed a moment ago. */
  failing?: number;
  /** Candidates of equal rank; absent: all. */
  equals?: number;
}

const cases: Case[] = [
  { name: 'all healthy and equal: the less loaded of two' },
  { name: 'all healthy and equal: by affinity', affinity: 12_345 },
  { name: 'all healthy, two of each rank', equals: 2 },
  { name: 'a quarter of them failing', failing: 0.25 },
  { name: 'all but one failing', failing: 0.95 },
];

function candidates(count: number, { failing = 0, equals = count }: Case): Choice[] {
  return Array.from({ length: count }, (_, index) => {
    const health = new UpstreamHealth(new AccountHealth());
    for (let call = 0; call < 20; call++) health.answered(call * 10, call * 10 + 100 + index, true);
    health.inFlight = index % 7;
    if (index < Math.floor(failing * count)) health.failed('failed', { startedMs: 900, nowMs: 950 });
    const rank = Math.floor(index / equals);
    return { health, weight: 1 + (index % 3), hash: hashText(`upstream ${index}`), rank, degradedRank: rank + count };
  });
}

/** Microseconds a pick, median of the rounds. */
function measure(count: number, of: Case, picks: number): number {
  const choices = candidates(count, of);
  let seed = 1;
  const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  let chosen = 0;
  const rounds = Array.from({ length: ROUNDS }, () => {
    const started = process.hrtime.bigint();
    for (let index = 0; index < picks; index++) {
      const [first] = pick(choices, { nowMs: 1_000, random, affinity: () => of.affinity, mayTry: true });
      if (first !== undefined) chosen += first.rank + 1;
    }
    return Number(process.hrtime.bigint() - started) / 1_000 / picks;
  });
  // What nobody looks at, a compiler may leave out.
  if (chosen === 0) throw new Error('nothing was picked');
  return median(rounds.slice(3));
}

function main(): void {
  const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
  const description = describeRun('pick', {
    ...{ prefix: [], moveDescendants: () => undefined, moveSubject: () => undefined },
    description: 'not pinned',
  });
  const counts = [1, 2, 20, 300];
  const rows = cases.map((each) => [
    each.name,
    ...counts.map((count) => measure(count, each, values.quick ? 500 : 20_000).toFixed(2)),
  ]);
  const table = markdownTable(['µs a pick, by candidates', ...counts.map(String)], rows);
  process.stdout.write(`${table}\n`);
  if (values.quick) return;
  const worst = Math.max(...rows.map((row) => Number(row[1 + counts.indexOf(20)])));
  const verdict = `Target, at most ${TARGET_MICROS} µs for 20 candidates: **${worst <= TARGET_MICROS ? 'met' : 'missed'}** (${worst.toFixed(2)} µs at most).`;
  mkdirSync(path.dirname(page), { recursive: true });
  writeFileSync(
    page,
    `# What a pick costs\n\n${runLines(description)}\n\n\`npm run bench:pick\` makes these figures anew: medians of rounds of 20,000 picks.\n\n${table}\n\n${verdict}\n`,
  );
}

main();
