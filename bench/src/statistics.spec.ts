import fc from 'fast-check';
import { differenceByRound, median, percentile, ratioByRound, slope } from './statistics';

describe('median', () => {
  it('is the middle of an odd count, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  it('is the mean of the middle two of an even count', () => {
    expect(median([10, 1, 3, 4])).toBe(3.5);
  });

  it('does not sort as text', () => {
    expect(median([9, 10, 100])).toBe(10);
  });

  it('refuses to speak of nothing', () => {
    expect(() => median([])).toThrow(RangeError);
  });

  it('leaves as many values above it as below', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const middle = median(values);
        const below = values.filter((value) => value < middle).length;
        const above = values.filter((value) => value > middle).length;
        expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });
});

describe('percentile', () => {
  it('is a value that so many of them do not pass', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect([0.5, 0.99, 1].map((share) => percentile(values, share))).toEqual([100, 198, 200]);
  });

  it('is among the values, with enough of them below', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer(), { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, share) => {
          const value = percentile(values, share);
          expect(values).toContain(value);
          const notAbove = values.filter((other) => other <= value).length;
          expect(notAbove).toBeGreaterThanOrEqual(Math.floor(values.length * share));
        },
      ),
    );
  });

  it('refuses to speak of nothing', () => {
    expect(() => percentile([], 0.99)).toThrow(RangeError);
  });
});

describe('slope', () => {
  it('is that of a line, and of what scatters evenly around one', () => {
    const line = [0, 10, 20, 30].map((x) => [x, 5 + 3 * x] as const);
    expect(slope(line)).toBeCloseTo(3);
    expect(slope(line.flatMap(([x, y]) => [[x, y + 7] as const, [x, y - 7] as const]))).toBeCloseTo(3);
  });

  it('is none of a single moment', () => {
    expect(slope([[1, 2]])).toBeNaN();
  });
});

describe('differenceByRound', () => {
  it('is the median of the differences, not the difference of medians', () => {
    expect(differenceByRound([2, 30, 5], [1, 10, 9])).toBe(1);
  });
});

describe('ratioByRound', () => {
  it('is the median of the ratios, with the extremes beside it', () => {
    expect(ratioByRound([120, 300, 150], [100, 100, 100])).toEqual({ median: 1.5, low: 1.2, high: 3 });
  });

  it('does not change when the machine slows down half way', () => {
    expect(ratioByRound([150, 150, 300, 300], [100, 100, 200, 200])).toEqual({ median: 1.5, low: 1.5, high: 1.5 });
  });

  it('refuses rounds without a baseline', () => {
    expect(() => ratioByRound([1, 2], [1])).toThrow(RangeError);
  });
});
