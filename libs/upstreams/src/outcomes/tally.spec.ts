import { OutcomeTally } from './tally';

const upstream = { provider: 'one', model: 'm', inFlight: 3 };

test('tells what happened since it was last asked, and nothing twice', () => {
  const tally = new OutcomeTally();
  expect(tally.take(upstream)).toBeUndefined();
  tally.answered(100, true);
  tally.answered(900, false);
  tally.count('failed');
  tally.replied({ inputTokens: 10, cacheReadTokens: 4, outputTokens: 20, streamedMs: 500 });
  tally.replied({ inputTokens: 1, cacheReadTokens: 0, outputTokens: 2 });
  expect(tally.take(upstream)).toEqual({
    ...upstream,
    counts: { ok: 2, failed: 1 },
    firstTokenMs: { 26: 1 },
    totalMs: { 38: 1 },
    ...{ replies: 2, inputTokens: 11, cacheReadTokens: 4, outputTokens: 22, streamedTokens: 20, streamedMs: 500 },
    late: 0,
  });
  expect(tally.take(upstream)).toBeUndefined();
});

test('calls that wait too long are told for as long as they do', () => {
  const tally = new OutcomeTally();
  tally.late++;
  expect(tally.take(upstream)?.late).toBe(1);
  expect(tally.take(upstream)?.late).toBe(1);
  tally.late--;
  expect(tally.take(upstream)).toBeUndefined();
});
