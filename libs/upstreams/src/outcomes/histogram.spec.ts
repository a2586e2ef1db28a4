import fc from 'fast-check';
import type { HistogramV1 } from '@switchboard/contracts';
import { addHistogram, countOf, observe, quantile } from './histogram';

function histogramOf(values: readonly number[]): HistogramV1 {
  const histogram: HistogramV1 = {};
  for (const value of values) observe(histogram, value);
  return histogram;
}

const durations = fc.array(fc.double({ min: 1, max: 3_600_000, noNaN: true }), { minLength: 1 });

test('a quantile is at least the true one and at most a fifth more', () => {
  fc.assert(
    fc.property(durations, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, q) => {
      const sorted = [...values].sort((left, right) => left - right);
      const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]!;
      const told = quantile(histogramOf(values), q)!;
      expect(told).toBeGreaterThanOrEqual(exact * 0.999_999);
      expect(told).toBeLessThanOrEqual(exact * 1.200_001);
    }),
  );
});

test('histograms of several edges add up', () => {
  fc.assert(
    fc.property(durations, durations, (left, right) => {
      const sum = histogramOf(left);
      addHistogram(sum, histogramOf(right));
      expect(sum).toEqual(histogramOf([...left, ...right]));
      expect(countOf(sum)).toBe(left.length + right.length);
    }),
  );
});

test('nothing has no quantile', () => {
  expect(quantile({}, 0.5)).toBeUndefined();
});
