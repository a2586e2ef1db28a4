import { noRounds } from '../paced';
import { addedLatencies, firstSeconds, latencyTable, type LatencyResult } from './report';

const rounds = (p50Ms: number[], p99Ms: number[], beginsP50Ms: number[]) => ({
  ...noRounds(),
  ...{ p50Ms, p99Ms, beginsP50Ms, beginsP99Ms: p99Ms, latenessMs: [0.1, 0.2, 0.3] },
});
const resultOf = (kind: LatencyResult['kind']): LatencyResult => ({
  kind,
  sides: [
    { name: 'bare-proxy', isGateway: false, rounds: rounds([0.3, 0.4, 0.9], [1, 2, 3], [0.2, 0.2, 0.2]) },
    { name: 'distributed', isGateway: true, rounds: rounds([0.5, 0.6, 1.1], [2, 3.6, 5], [0.6, 0.6, 0.6]) },
  ],
});

test('what is added is the median of the differences round by round', () => {
  const [, edge] = addedLatencies(resultOf('whole replies'));
  expect(edge!.p50.addedMs).toBeCloseTo(0.2);
  expect(edge!.p99.addedMs).toBeCloseTo(1.6);
  expect(edge!.latenessMs).toBe(0.2);
});

test('of streams it is what comes before their first token', () => {
  const [, edge] = addedLatencies(resultOf('first token of streams'));
  expect(edge!.p50).toEqual({ ms: 0.6, addedMs: expect.closeTo(0.4) });
});

test('the table says of the gateway what was met and what missed', () => {
  const rows = latencyTable([resultOf('whole replies')]);
  expect(rows).toMatch(
    /\| distributed +\| 0\.60 +\| \+0\.20 +\| ≤ 0\.3 met +\| 3\.60 +\| \+1\.60 +\| ≤ 1\.5 \*\*missed\*\* \| 0\.20 /,
  );
});

test('the first seconds of new processes are those of the first kind', () => {
  const first = resultOf('whole replies');
  first.sides[0]!.rounds.warmUpP99Ms = [12.34];
  first.sides[1]!.rounds.warmUpP99Ms = [45.67];
  const pace = { rounds: 3, roundMs: 4000, warmUpMs: 3000, perSecond: 300 };
  expect(firstSeconds([first, resultOf('first token of streams')], pace)).toBe(
    'In the first 3000 ms of a new process, at 300 requests a second from the first on, p99 ms: bare-proxy 12.3, distributed 45.7.',
  );
});

test('without the bare proxy there is nothing to say', () => {
  expect(() => addedLatencies({ kind: 'whole replies', sides: [] })).toThrow(RangeError);
});
