import { drawnRounds, KILLABLE, listedRounds, type KillRound } from './kill-plan';
import { parseChaosOptions } from './options';

function first(count: number, rounds: Generator<KillRound>): KillRound[] {
  return Array.from({ length: count }, () => rounds.next().value as KillRound);
}

test('a seed draws the same kills every time, another seed others', () => {
  const drawn = (seed: number): KillRound[] => first(50, drawnRounds(seed, KILLABLE));
  expect(drawn(7)).toEqual(drawn(7));
  expect(drawn(7)).not.toEqual(drawn(8));
});

test('every kind and every replica is killed, alone and in pairs, never one process twice at once', () => {
  const rounds = first(400, drawnRounds(1, KILLABLE));
  const labels = new Set(rounds.flatMap(({ victims }) => victims.map(({ label }) => label)));
  expect([...labels].sort()).toEqual(
    [
      ...['edge-api-1', 'edge-api-2', 'edge-api-3', 'rate-limit-1', 'rate-limit-2', 'metering-1', 'metering-2'],
      ...['router', 'admin-api', 'nats', 'redis', 'postgres'],
    ].sort(),
  );
  expect(new Set(rounds.map(({ victims }) => victims.length))).toEqual(new Set([1, 2]));
  for (const { victims } of rounds) expect(new Set(victims.map(({ label }) => label)).size).toBe(victims.length);
});

test('a list is killed in its order', () => {
  const rounds = [...listedRounds(3, [['nats'], ['redis', 'postgres']])];
  expect(rounds.map(({ victims }) => victims.map(({ label }) => label))).toEqual([['nats'], ['redis', 'postgres']]);
});

test('options are read, and what they are not is told', () => {
  expect(parseChaosOptions(['--minutes', '2', '--seed', '9', '--kinds', 'nats,edge-api'])).toMatchObject({
    ...{ loadMs: 120_000, seed: 9, kinds: ['nats', 'edge-api'] },
  });
  expect(parseChaosOptions([])).toMatchObject({ loadMs: 300_000 });
  expect(() => parseChaosOptions(['--kinds', 'edge'])).toThrow('edge is none of edge-api, ');
  expect(() => parseChaosOptions(['--seconds', '0'])).toThrow('--seconds must be a number above 0');
  expect(() => parseChaosOptions(['--nonsense'])).toThrow('--nonsense');
});
