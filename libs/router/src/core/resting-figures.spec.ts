import { RestingFigures } from './resting-figures';

const none = { firstTokenMs: undefined, tokensPerSecond: undefined, outputTokens: undefined, cacheHitRate: undefined };

test('a figure is told when it is first measured, with two digits, and stays while it moves by less than a fifth', () => {
  const figures = new RestingFigures();
  figures.update({ ...none, firstTokenMs: 1_234, cacheHitRate: 0.123 }, 0);
  expect(figures.current).toEqual({ firstTokenMs: 1_200, cacheHitRate: 0.12 });
  const told = figures.current;
  for (let second = 1; second < 60; second++) {
    figures.update({ ...none, firstTokenMs: second % 2 ? 1_000 : 1_430, cacheHitRate: 0.09 }, second * 1000);
  }
  expect(figures.current).toBe(told);
});

test('it is told anew when it has been a fifth off for five seconds, not when that passes', () => {
  const figures = new RestingFigures({ firstTokenMs: 1_000, tokensPerSecond: 50 });
  const measured = { ...none, firstTokenMs: 2_000 };
  figures.update(measured, 0);
  figures.update(measured, 4_900);
  figures.update({ ...none, firstTokenMs: 1_100 }, 4_950);
  figures.update(measured, 5_000);
  figures.update(measured, 9_900);
  expect(figures.current.firstTokenMs).toBe(1_000);
  figures.update(measured, 10_000);
  expect(figures.current).toEqual({ firstTokenMs: 2_000, tokensPerSecond: 50 });
});

test('a cache hit rate near none is not told anew of every hit', () => {
  const figures = new RestingFigures({ cacheHitRate: 0 });
  for (const nowMs of [0, 10_000]) figures.update({ ...none, cacheHitRate: 0.04 }, nowMs);
  expect(figures.current.cacheHitRate).toBe(0);
  for (const nowMs of [20_000, 30_000]) figures.update({ ...none, cacheHitRate: 0.06 }, nowMs);
  expect(figures.current.cacheHitRate).toBe(0.06);
});
