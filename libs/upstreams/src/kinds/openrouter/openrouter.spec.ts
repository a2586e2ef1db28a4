import { openrouter } from './openrouter';

const NOW_MS = 1_795_176_000_000;
const refusal = { 'x-ratelimit-limit': '20', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1795176030000' };

test('a refusal tells that nothing is left, and when its limit is over', () => {
  expect(openrouter.quotaLeft(refusal)).toBe(0);
  expect(openrouter.retryAfterMs(refusal, NOW_MS)).toBe(30_000);
  expect(openrouter.retryAfterMs({ ...refusal, 'retry-after': '2' }, NOW_MS)).toBe(2_000);
  expect(openrouter.retryAfterMs(refusal, NOW_MS + 60_000)).toBe(0);
  expect(openrouter.retryAfterMs({}, NOW_MS)).toBeUndefined();
});
