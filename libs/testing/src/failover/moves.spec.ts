import { percentile, shareOf, steadyAfterMs, type Mark } from './moves';

/** Marks every 10 ms from `fromMs`; `shareAt` tells what part of them counts, spread evenly. */
function marks(fromMs: number, toMs: number, shareAt: (atMs: number) => number): Mark[] {
  let owed = 0;
  return Array.from({ length: (toMs - fromMs) / 10 }, (_, index) => {
    const atMs = fromMs + index * 10;
    owed += shareAt(atMs);
    const counts = owed >= 1;
    if (counts) owed -= 1;
    return { atMs, counts };
  });
}

const MOVED = { windowMs: 500, holds: (share: number): boolean => share < 0.05 };
const BACK = { windowMs: 1_000, holds: (share: number): boolean => share >= 0.25 };

describe('steadyAfterMs', () => {
  it('finds when traffic left, to a tenth of a second', () => {
    const left = marks(0, 10_000, (atMs) => (atMs < 6_200 ? 0.5 : 0));
    expect(steadyAfterMs(left, 5_000, 10_000, MOVED)).toBe(1_200);
  });

  it('is 0 where nothing had to move', () => {
    expect(
      steadyAfterMs(
        marks(0, 5_000, () => 0.02),
        0,
        5_000,
        MOVED,
      ),
    ).toBe(0);
  });

  it('takes no lull for the end of it', () => {
    const lull = marks(0, 10_000, (atMs) => (atMs < 2_000 || (atMs >= 4_000 && atMs < 6_000) ? 0.5 : 0));
    expect(steadyAfterMs(lull, 0, 10_000, MOVED)).toBe(6_000);
  });

  it('is undefined where it never came, or came too late for a whole window', () => {
    expect(
      steadyAfterMs(
        marks(0, 5_000, () => 0.5),
        0,
        5_000,
        MOVED,
      ),
    ).toBeUndefined();
    const late = marks(0, 5_000, (atMs) => (atMs < 4_700 ? 0.5 : 0));
    expect(steadyAfterMs(late, 0, 5_000, MOVED)).toBeUndefined();
    expect(steadyAfterMs([], 0, 400, MOVED)).toBeUndefined();
  });

  it('finds when a share is there to stay', () => {
    const rising = marks(0, 10_000, (atMs) => (atMs < 3_000 ? 0 : atMs < 5_000 ? 0.2 : 0.5));
    // The first window that holds is of both: 0.25 needs a sixth of its second at the higher share.
    expect(steadyAfterMs(rising, 0, 10_000, BACK)).toBe(4_200);
  });

  it('looks at nothing outside', () => {
    const around = [...marks(0, 1_000, () => 1), ...marks(1_000, 3_000, () => 0), ...marks(3_000, 4_000, () => 1)];
    expect(steadyAfterMs(around, 1_000, 3_000, MOVED)).toBe(0);
  });
});

test('a share is of the marks between two moments, the latter excluded', () => {
  const half = marks(0, 2_000, (atMs) => (atMs < 1_000 ? 0.5 : 1));
  expect(shareOf(half, 0, 1_000)).toBe(0.5);
  expect(shareOf(half, 5_000, 6_000)).toBe(0);
});

test('a percentile is a value that was there', () => {
  expect(percentile([4, 1, 3, 2], 0.5)).toBe(2);
  expect(percentile([4, 1, 3, 2], 0.99)).toBe(4);
  expect(percentile([], 0.5)).toBeUndefined();
});
