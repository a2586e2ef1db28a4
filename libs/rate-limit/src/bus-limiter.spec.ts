import { LimiterUnavailableError, type ReservationReply, type ScopeBudget, SUBJECTS } from '@switchboard/contracts';
import { LocalWorld } from './__fixtures__/local-world';
import { bounds, reservation, settlement } from './__fixtures__/reservation';
import { took } from './__fixtures__/waiting';

let world: LocalWorld;

beforeEach(() => {
  world = new LocalWorld();
  world.replica();
});

afterEach(() => world.stop());

const outcomes = (replies: ReservationReply[]) => replies.map(({ outcome }) => outcome);
const names = (count: number) => Array.from({ length: count }, (_, index) => `r${index}`);

test('steps of one turn travel in one message, each answered by itself', async () => {
  const edge = world.edge();
  const limited = (requestId: string) =>
    reservation(requestId, { scopes: [bounds('key:limited', { limits: { rpm: 2 } })] });
  const other = reservation('other');
  await edge.reserve(other);
  const replies = Promise.all([...names(3).map((id) => edge.reserve(limited(id))), edge.reserve(reservation('free'))]);
  edge.settle(settlement(other));
  expect(outcomes(await replies)).toEqual(['granted', 'granted', 'denied', 'granted']);
  expect(world.messages).toEqual([['reserve'], ['reserve', 'reserve', 'reserve', 'reserve', 'settle']]);
  expect(await world.open('key:limited')).toBe(2);
  expect(await world.open('key:key_1')).toBe(1);
});

test('one that waits for the ledger holds back no other of its message', async () => {
  const edge = world.edge();
  // The first one finds out whether edges hold anything, which takes a moment of its own.
  const paying = (requestId: string) =>
    reservation(requestId, {
      scopes: [bounds(`key:${requestId}`, { budgets: [{ id: 'budget', nanoUsd: 1_000, period: 'day' }] })],
    });
  await edge.reserve(paying('first'));
  world.ledger.answersAfterMs = 400;
  world.messages.length = 0;
  const slow = edge.reserve(paying('slow'));
  const others = Promise.all([edge.reserve(reservation('a')), edge.reserve(paying('first'))]);
  expect(await took(others)).toBeLessThan(200);
  expect(await slow).toMatchObject({ outcome: 'granted' });
  expect(world.messages).toEqual([['reserve', 'reserve', 'reserve'], ['reserve']]);
  expect(world.ledger.questions).toHaveLength(2);
});

test('one that nobody can decide fails alone', async () => {
  const edge = world.edge();
  world.ledger.away = true;
  const budgeted = [bounds('key:b', { budgets: [{ id: 'budget', nanoUsd: 1_000, period: 'day' }] })];
  const [first, second, third] = await Promise.allSettled([
    edge.reserve(reservation('a')),
    edge.reserve(reservation('b', { scopes: budgeted })),
    edge.reserve(reservation('c')),
  ]);
  expect(first).toMatchObject({ value: { outcome: 'granted' } });
  expect(second).toMatchObject({ reason: { name: 'LimiterUnavailableError', message: /metering is away/ } });
  expect(third).toMatchObject({ value: { outcome: 'granted' } });
  expect(world.messages[0]).toHaveLength(3);
});

test('more steps than fit in one message travel in several', async () => {
  const edge = world.edge({ batchMax: 4 });
  expect(outcomes(await Promise.all(names(9).map((id) => edge.reserve(reservation(id)))))).toHaveLength(9);
  expect(world.messages.map((steps) => steps.length)).toEqual([4, 4, 1]);
});

test('with batchMax 1 each travels alone', async () => {
  const edge = world.edge({ batchMax: 1 });
  await Promise.all(names(3).map((id) => edge.reserve(reservation(id))));
  expect(world.messages).toEqual([['reserve'], ['reserve'], ['reserve']]);
});

test('an open call is given more money while there is some; one that is over is not', async () => {
  const edge = world.edge();
  const budget: ScopeBudget = { id: 'budget', nanoUsd: 150, period: 'total' };
  const call = reservation('a', { scopes: [bounds('key:k', { budgets: [budget] })] });
  await edge.reserve(call);
  const more = { ...settlement(call), nanoUsd: 50 };
  expect(await edge.extend(more)).toEqual({ outcome: 'granted' });
  expect(await edge.extend(more)).toEqual({ outcome: 'denied', reason: 'budget', scope: 'key:k' });
  edge.settle(settlement(call, { nanoUsd: 150 }));
  await expect(edge.extend(more)).rejects.toThrow(LimiterUnavailableError);
  expect((await world.stateOf(bounds('key:k', { budgets: [budget] })))?.budgets).toMatchObject([
    { spentNanoUsd: 150, heldNanoUsd: 0 },
  ]);
});

test.each([
  '',
  '{}',
  '{"replies":[]}',
  '{"replies":[null],"leaseMs":1000}',
  '{"replies":[{"outcome":"granted","outputTokens":1,"rates":{}}],"leaseMs":0}',
  'null',
])('an answer that is none (%s) is an unavailable limiter', async (answer) => {
  const strange = new LocalWorld();
  strange.bus.serve(SUBJECTS.limiterBatch, 'strange', () => Promise.resolve(Buffer.from(answer)));
  await expect(strange.edge().reserve(reservation('a'))).rejects.toThrow(LimiterUnavailableError);
  await strange.stop();
});
