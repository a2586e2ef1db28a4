import { ATTEMPTS_MAX, retryPauseMs } from './retry-schedule';

const pauses = (chance: number) =>
  Array.from({ length: ATTEMPTS_MAX - 1 }, (_, index) => retryPauseMs(index + 1, chance) ?? NaN);

test('twelve attempts over a bit more than a day, each pause at most six hours and a fifth', () => {
  expect(pauses(0.5).slice(0, 4)).toEqual([10_000, 30_000, 90_000, 270_000]);
  expect(Math.max(...pauses(1))).toBe(7.2 * 3_600_000);
  const hours = pauses(0.5).reduce((sum, pauseMs) => sum + pauseMs, 0) / 3_600_000;
  expect(hours).toBeGreaterThan(24);
  expect(hours).toBeLessThan(30);
});

test('chance moves a pause by a fifth at most, either way', () => {
  expect([retryPauseMs(1, 0), retryPauseMs(1, 1)]).toEqual([8_000, 12_000]);
});

test('after the last attempt there is no more', () => {
  expect(retryPauseMs(ATTEMPTS_MAX, 0.5)).toBeUndefined();
});
