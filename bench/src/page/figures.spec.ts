import { noRounds } from '../paced';
import { summarise } from '../report';
import { scenarios } from '../scenarios';
import { performanceFigures, targetsTable } from './figures';
import type { KeptResults } from './kept-results';

const run = {
  ...{ name: 'x', startedAt: '2026-11-28T12:00:00.000Z', commit: 'abc1234', node: '20.20.2', cpu: '2 × x' },
  ...{ pinning: 'not pinned', loadBefore: 0 },
};
const rounds = (name: string, cpuMicros: number, kind: { isGateway?: boolean; isPeer?: boolean } = {}) => ({
  ...{ name, isGateway: false, isPeer: false, cpuMicros: [cpuMicros], perSecond: [1] },
  ...kind,
});
const streamSide = (name: string, isGateway: boolean, maxMs: number) => ({
  ...{ name, isGateway },
  rounds: [
    { chunksPerSecond: 40_000, p50Ms: 1, p99Ms: 2, p999Ms: 3, maxMs, cpuShare: 0.5, residentMb: 300, latenessMs: 0.1 },
  ],
});
const latencyOf = (ms: number) => ({ ...noRounds(), p50Ms: [ms], p99Ms: [2 * ms], latenessMs: [0.1] });

const kept: KeptResults = {
  cpu: {
    ...{ ...run, subjects: ['distributed', 'portkey'], remarks: [], rounds: 1, roundMs: 1 },
    results: [
      summarise(scenarios[0]!, [
        rounds('bare-proxy', 30),
        rounds('distributed', 45, { isGateway: true }),
        rounds('portkey', 900, { isPeer: true }),
      ]),
    ],
  },
  latency: {
    ...run,
    results: [
      {
        kind: 'whole replies',
        sides: [
          { name: 'bare-proxy', isGateway: false, rounds: latencyOf(0.3) },
          { name: 'distributed', isGateway: true, rounds: latencyOf(0.7) },
        ],
      },
    ],
  },
  streams: {
    ...run,
    options: { streams: 2000 },
    sides: [streamSide('bare-proxy', false, 20), streamSide('distributed', true, 80)],
  },
};

test('every target has its figure, its verdict and its run', () => {
  const rows = targetsTable(kept);
  expect(rows).toMatch(
    /\| distributed, anthropic → anthropic, 1 KB +\| ≤ 1\.6 × +\| 1\.50 × \(1\.50–1\.50\) +\| met +\| 2026-11-28, abc1234/,
  );
  expect(rows).toMatch(/\| portkey, anthropic → anthropic, 1 KB +\| ≥ 15 × +\| 20\.0 × +\| met /);
  expect(rows).toMatch(
    /\| distributed, added latency, whole replies, p50 +\| ≤ 0\.3 ms \| \+0\.40 ms +\| \*\*missed\*\* /,
  );
  expect(rows).toMatch(/worst chunk beyond the bare proxy's +\| ≤ 50 ms +\| \+60\.0 ms +\| \*\*missed\*\* /);
});

test('a target met with fewer streams than it is about is not said to be met', () => {
  const fewer = { ...kept, streams: { ...kept.streams!, options: { streams: 600 } } };
  expect(targetsTable(fewer)).toMatch(
    /distributed, 600 streams, .* RSS +\| ≤ 400 MB +\| .* \| met with fewer than 2000 /,
  );
});

test('what was not measured is said to be, with what would measure it', () => {
  expect(targetsTable(kept)).toMatch(
    /\| Half an hour of load +\| +\| not measured yet +\| +\| `npm run bench:soak -- --minutes 30` /,
  );
  expect(performanceFigures({})).toContain('Not measured yet: `npm run bench:budget`.');
});
