import fc from 'fast-check';
import { AccountHealth } from '../health/account-health';
import { UpstreamHealth } from '../health/upstream-health';
import { hashText } from './hash';
import { lastResort, pick, type Choice } from './pick';

interface Named extends Choice {
  name: string;
}

function choice(name: string, changes: Partial<Choice> = {}): Named {
  const health = new UpstreamHealth(new AccountHealth());
  return { name, health, weight: 1, hash: hashText(name), rank: 0, degradedRank: 10, ...changes };
}

const names = (choices: readonly Named[]) => choices.map(({ name }) => name);
const open = ({ health }: Choice, nowMs = 0) => health.failed('connect', { startedMs: nowMs, nowMs });
const options = { nowMs: 10, random: () => 0, mayTry: false };

/** Of numbers 0 to 1 that tests can repeat. */
function chance(seed = 1): () => number {
  let state = seed;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

test('healthy ones by rank; nothing is made where nothing changes', () => {
  const choices = [choice('a'), choice('b', { rank: 1 })];
  expect(pick(choices, options)).toBe(choices);
});

test('open ones are left out, degraded ones stand where the policy puts them, half-open ones last', () => {
  const [a, b, c, d] = [choice('a'), choice('b', { rank: 1 }), choice('c', { rank: 2 }), choice('d', { rank: 3 })];
  open(a, 9);
  b.health.failed('failed', { startedMs: 9, nowMs: 9 });
  expect(names(pick([a, b, c, d], options))).toEqual(['c', 'd', 'b']);
  expect(names(pick([a, b, c, d], { ...options, nowMs: 600 }))).toEqual(['c', 'd', 'b', 'a']);
  for (const each of [b, c, d]) open(each, 600);
  expect(pick([b, c, d], { ...options, nowMs: 601 })).toEqual([]);
});

test('an ailing one is tried first now and then, where another can take over', () => {
  const [a, b] = [choice('a'), choice('b')];
  open(a);
  const trying = { ...options, nowMs: 600, mayTry: true };
  expect(names(pick([a, b], trying))).toEqual(['a', 'b']);
  expect(names(pick([a, b], trying))).toEqual(['b', 'a']);
  expect(names(pick([a, b], { ...trying, mayTry: false }))).toEqual(['b', 'a']);
});

test('where nothing is left but what hangs, one call at a time tries each and the others do not wait', () => {
  const [a, b] = [choice('a'), choice('b')];
  for (const { health } of [a, b]) {
    for (const nowMs of [0, 1]) health.failed('timeout', { startedMs: nowMs, nowMs });
  }
  expect(names(pick([a, b], { ...options, nowMs: 600 }))).toEqual(['a']);
  expect(names(pick([a, b], { ...options, nowMs: 601 }))).toEqual(['b']);
  expect(pick([a, b], { ...options, nowMs: 602 })).toEqual([]);
  a.health.answered(600, 650, true);
  expect(names(pick([a, b], { ...options, nowMs: 651 }))).toEqual(['a']);
  a.health.answered(651, 700, true);
  expect(names(pick([a, b], { ...options, nowMs: 701 }))).toEqual(['a', 'b']);
});

test('of equals the less loaded of two', () => {
  const [a, b, c] = [choice('a'), choice('b'), choice('c', { rank: 1 })];
  a.health.inFlight = 5;
  const random = chance();
  for (let index = 0; index < 20; index++) expect(pick([a, b, c], { ...options, random })[0]).toBe(b);
  b.health.latency.observe(1_000, 1);
  for (let index = 0; index < 20; index++) expect(pick([a, b, c], { ...options, random })[0]).toBe(a);
});

test('load settles by weight', () => {
  const [a, b] = [choice('a', { weight: 3 }), choice('b', { weight: 1 })];
  const random = chance();
  for (let index = 0; index < 400; index++) pick([a, b], { ...options, random })[0]!.health.began();
  expect(a.health.inFlight).toBeGreaterThan(290);
  expect(b.health.inFlight).toBeGreaterThan(90);
});

describe('affinity', () => {
  const five = () => ['a', 'b', 'c', 'd', 'e'].map((name) => choice(name));
  const favourite = (choices: readonly Named[], affinity: number) =>
    pick(choices, { ...options, random: Math.random, affinity: () => affinity })[0]!.name;

  test('a session stays, and when one goes only its sessions move', () => {
    const choices = five();
    const without = choices.filter(({ name }) => name !== 'c');
    fc.assert(
      fc.property(fc.nat(0xffffffff), (affinity) => {
        const chosen = favourite(choices, affinity);
        expect(favourite(choices, affinity)).toBe(chosen);
        if (chosen !== 'c') expect(favourite(without, affinity)).toBe(chosen);
      }),
    );
  });

  test('sessions spread over all, by weight', () => {
    const choices = [choice('a', { weight: 3 }), choice('b')];
    const random = chance(7);
    let ofA = 0;
    for (let index = 0; index < 2_000; index++) {
      if (favourite(choices, Math.floor(random() * 0xffffffff)) === 'a') ofA++;
    }
    expect(ofA).toBeGreaterThan(1_400);
    expect(ofA).toBeLessThan(1_600);
  });

  test('a favourite that is saturated or ailing is left', () => {
    const choices = five();
    const chosen = choices.find(({ name }) => name === favourite(choices, 42))!;
    chosen.health.inFlight = 8;
    expect(favourite(choices, 42)).toBe(chosen.name);
    chosen.health.inFlight = 9;
    expect(favourite(choices, 42)).not.toBe(chosen.name);
    chosen.health.inFlight = 0;
    open(chosen);
    expect(favourite(choices, 42)).not.toBe(chosen.name);
  });
});

test('the last resort is what fails at once and is tried again soonest, never what hangs, has no room or refuses', () => {
  const [hangs, full, refuses, early, late] = ['hangs', 'full', 'refuses', 'early', 'late'].map((name) => choice(name));
  for (const nowMs of [0, 1]) hangs!.health.failed('timeout', { startedMs: nowMs, nowMs });
  full!.health.failed('limited', { startedMs: 0, nowMs: 0, retryAfterMs: 5_000 });
  refuses!.health.failed('account', { startedMs: 0, nowMs: 0, status: 401 });
  open(early!, 0);
  open(late!, 100);
  const all = [hangs!, full!, refuses!, late!, early!];
  expect(lastResort(all, 110)?.name).toBe('early');
  expect(lastResort(all.slice(0, 3), 110)).toBeUndefined();
});
