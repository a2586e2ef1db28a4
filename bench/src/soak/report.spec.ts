import type { SoakResult } from './measure';
import { parseSoakOptions } from './options';
import { soakBody, soakFigures } from './report';

const minuteMs = 60_000;

/** Half an hour; memory and p99 by minute. */
function resultOf(mbAt: (minute: number) => number, p99At: (minute: number) => number): SoakResult {
  const minutes = Array.from({ length: 30 }, (_, index) => index);
  return {
    ...{ saturation: 10_000, perSecond: 7000, workedOffMs: 1500 },
    memory: minutes.map((minute) => ({ atMs: minute * minuteMs, mb: mbAt(minute) })),
    windows: minutes.map((minute) => ({
      ...{ endedAtMs: (minute + 1) * minuteMs, requests: 420_000, p50Ms: 0.5, p99Ms: p99At(minute) },
      ...{ latenessMs: 0.1, cpuShare: 0.6 },
    })),
  };
}

test('what grows only while it warms up is flat', () => {
  const figures = soakFigures(
    resultOf(
      (minute) => Math.min(200, 100 + 20 * minute),
      () => 3,
    ),
  );
  expect(figures).toMatchObject({ isFlat: true, isSteady: true, p99Drift: 1 });
  expect(figures.slopeMbPerHour).toBeCloseTo(0);
});

test('what goes on growing is not, and its slope is told', () => {
  const result = resultOf(
    (minute) => 200 + minute,
    (minute) => 2 + minute / 10,
  );
  expect(soakFigures(result).slopeMbPerHour).toBeCloseTo(60);
  expect(soakFigures(result)).toMatchObject({ isFlat: false, isSteady: false });
  expect(soakBody(result)).toContain('RSS: 60.0 MB/h fitted');
  expect(soakBody(result)).toContain('**missed**');
});

test('a look is short, and only half an hour is kept', () => {
  expect(parseSoakOptions([])).toMatchObject({ windows: 3, keep: false, share: 0.7 });
  expect(parseSoakOptions(['--minutes', '30'])).toMatchObject({ windows: 30, windowMs: minuteMs, keep: true });
  expect(() => parseSoakOptions(['--load', '200'])).toThrow('--load must be 100 at most');
});
