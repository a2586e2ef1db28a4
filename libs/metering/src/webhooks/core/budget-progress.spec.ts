import { type BudgetState, isRenewed, progressOf, type WatchedBudget } from './budget-progress';

const JULY_MS = Date.parse('2026-07-01T00:00:00Z');
const AUGUST_MS = Date.parse('2026-08-01T00:00:00Z');

function state(spentNanoUsd: bigint, changes: Partial<BudgetState> = {}): BudgetState {
  return { period: 'month', periodStartMs: JULY_MS, budgetNanoUsd: 100n, spentNanoUsd, ...changes };
}

function watched(reached: number[], changes: Partial<BudgetState> = {}): WatchedBudget {
  return { ...state(0n, changes), reached };
}

test.each<[spent: bigint, crossed: number[]]>([
  [49n, []],
  [50n, [50]],
  [79n, [50]],
  [80n, [50, 80]],
  [100n, [50, 80, 100]],
  [250n, [50, 80, 100]],
])('%d of 100 spent at the first look is news of %j', (spent, crossed) => {
  expect(progressOf(watched([]), state(spent))).toEqual({ crossed, reached: crossed });
});

test('what was told is not told again, not even after a correction downwards', () => {
  expect(progressOf(watched([50, 80]), state(30n))).toEqual({ crossed: [], reached: [50, 80] });
  expect(progressOf(watched([50, 80]), state(90n))).toEqual({ crossed: [], reached: [50, 80] });
  expect(progressOf(watched([50]), state(85n))).toEqual({ crossed: [80], reached: [50, 80] });
});

test('a new period arms all thresholds, as does another kind of period', () => {
  expect(progressOf(watched([50, 80, 100]), state(60n, { periodStartMs: AUGUST_MS }))).toEqual({
    ...{ crossed: [50], reached: [50] },
  });
  expect(progressOf(watched([50, 80]), state(10n, { period: 'total', periodStartMs: 0 })).reached).toEqual([]);
});

test('a larger amount arms those that are ahead again, and only those', () => {
  const before = watched([50, 80, 100], { spentNanoUsd: 100n });
  expect(progressOf(before, state(100n, { budgetNanoUsd: 125n }))).toEqual({ crossed: [], reached: [50, 80] });
  expect(progressOf(before, state(100n, { budgetNanoUsd: 1000n }))).toEqual({ crossed: [], reached: [] });
  expect(progressOf(before, state(550n, { budgetNanoUsd: 1000n }))).toEqual({ crossed: [50], reached: [50] });
});

test('a smaller amount may be news by itself', () => {
  expect(progressOf(watched([50], { spentNanoUsd: 60n }), state(60n, { budgetNanoUsd: 60n })).crossed).toEqual([
    80, 100,
  ]);
});

test('sums beyond what numbers hold are compared exactly', () => {
  const budgetNanoUsd = 9_007_199_254_740_993_000n;
  expect(progressOf(watched([], { budgetNanoUsd }), state(budgetNanoUsd - 1n, { budgetNanoUsd })).crossed).toEqual([
    50, 80,
  ]);
});

test('a budget of nothing has no thresholds', () => {
  expect(progressOf(watched([], { budgetNanoUsd: 0n }), state(0n, { budgetNanoUsd: 0n })).crossed).toEqual([]);
});

test('a period is renewed by a later one of its kind', () => {
  expect(isRenewed(state(5n), state(0n, { periodStartMs: AUGUST_MS }))).toBe(true);
  expect(isRenewed(state(5n), state(9n))).toBe(false);
  expect(isRenewed(state(5n), state(5n, { period: 'week', periodStartMs: AUGUST_MS }))).toBe(false);
});
