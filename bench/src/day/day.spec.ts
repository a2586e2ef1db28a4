import { daysByPolicy } from './day';
import { drawOf, normalOf } from './draws';
import { FAULTS, faultAt, PROVIDERS } from './providers';
import { HOUR_MS, type DayRequest } from './requests';
import { Timeline } from './timeline';
import { World, type Reply } from './world';

const request: DayRequest = {
  ...{ index: 1, atMs: 0, inputTokens: 5_000, prefixTokens: 4_000, session: 7, outputTokens: 100 },
};

function answered(reply: Reply): Extract<Reply, { kind: 'answered' }> {
  if (reply.kind !== 'answered') throw new Error(`it is ${reply.kind}`);
  return reply;
}

test('the same seed gives the same day, and the gateway’s policies do what they are called after', () => {
  const options = { seed: 3, fromHour: 9.46, toHour: 9.54, peakPerSecond: 4 };
  const days = daysByPolicy(options);
  expect(daysByPolicy(options)).toEqual(days);
  const byName = new Map(days.map(({ policy, summary }) => [policy, summary]));
  const of = (policy: string) => byName.get(policy)!;
  expect(of('round-robin').requests).toBeGreaterThan(200);
  expect(of('auto:cheapest').costUsd).toBeLessThan(of('round-robin').costUsd / 2);
  expect(of('auto:fastest').wholeMs.mean).toBeLessThan(of('round-robin').wholeMs.mean / 2);
  expect(of('oracle of cost').costUsd).toBeLessThan(of('auto:fastest').costUsd);
  expect(of('oracle of latency').wholeMs.mean).toBeLessThan(of('auto:cheapest').wholeMs.mean);
  // It refuses connections for half of that time.
  expect(of('round-robin').sentToDownShare).toBeGreaterThan(0.15);
  expect(of('auto').sentToDownShare).toBeLessThan(0.1);
});

test('what is due is run by time, then in turn, also what is put down meanwhile', () => {
  const timeline = new Timeline();
  const seen: string[] = [];
  const put = (atMs: number, name: string) => timeline.at(atMs, (nowMs) => seen.push(`${name}${nowMs}`));
  for (const atMs of [5, 1, 9, 3, 3, 7]) put(atMs, seen.length === 0 ? 'a' : 'b');
  timeline.at(3, (nowMs) => put(nowMs + 1, 'c'));
  timeline.run();
  expect(seen).toEqual(['a1', 'a3', 'a3', 'c4', 'a5', 'a7', 'a9']);
});

test('draws depend on their keys alone, and are spread as they should be', () => {
  expect(drawOf(1, 2)).toBe(drawOf(1, 2));
  const uniform = Array.from({ length: 4_000 }, (_, index) => drawOf(6, index));
  const normal = Array.from({ length: 4_000 }, (_, index) => normalOf(6, index));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(mean(uniform)).toBeCloseTo(0.5, 1);
  expect(mean(normal)).toBeCloseTo(0, 1);
  expect(mean(normal.map((value) => value ** 2))).toBeCloseTo(1, 1);
});

test('a prompt that its session sent before is read from the cache, sooner and cheaper', () => {
  const world = new World(PROVIDERS, [], 6);
  const first = answered(world.begin(request, 2, 0));
  const again = answered(world.begin(request, 2, 1_000));
  expect([first.cacheReadTokens, again.cacheReadTokens]).toEqual([0, 4_000]);
  expect(again.firstTokenMs).toBeLessThan(first.firstTokenMs);
  expect(again.costNanoUsd).toBeLessThan(first.costNanoUsd);
  expect(answered(world.begin(request, 2, 302_000)).cacheReadTokens).toBe(0);
});

test('own hardware slows down when it is full, then refuses', () => {
  const world = new World(PROVIDERS, [], 6);
  const replies = Array.from({ length: 33 }, () => world.begin(request, 0, 0));
  const [first, , , , fifth] = replies.map((reply) => (reply.kind === 'answered' ? reply.streamedMs : 0));
  expect(fifth).toBe(first);
  expect(answered(replies[31]!).streamedMs).toBeGreaterThan(2 * first!);
  expect(replies[32]).toMatchObject({ kind: 'refused', status: 503 });
  // The one that was refused, and one that was served.
  for (let ended = 0; ended < 2; ended++) world.end(0);
  expect(world.begin(request, 0, 0).kind).toBe('answered');
});

test('a provider that limits requests says when to come again', () => {
  const world = new World(PROVIDERS, [], 6);
  const replies = Array.from({ length: 21 }, () => world.begin(request, 1, 0));
  expect(answered(replies[19]!)).toBeDefined();
  expect(replies[20]).toMatchObject({ outcome: 'limited', status: 429, retryAfterMs: 8_000 });
  expect(world.begin(request, 1, 1_000).kind).toBe('answered');
});

test('faults begin and end on time, and a flapping provider comes and goes', () => {
  const at = (provider: string, hour: number, seconds: number) =>
    faultAt(provider, hour * HOUR_MS + seconds * 1_000, FAULTS);
  expect([at('own', 9.5, -1), at('own', 9.5, 0), at('own', 9.5, 1_200)]).toEqual([undefined, 'dead', undefined]);
  expect([at('own', 19, 5), at('own', 19, 25), at('own', 19, 45)]).toEqual(['dead', undefined, 'dead']);
  const world = new World(PROVIDERS, FAULTS, 6);
  expect(world.begin(request, 0, 13.5 * HOUR_MS).kind).toBe('silent');
});
