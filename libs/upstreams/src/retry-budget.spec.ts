import fc from 'fast-check';
import { RetryBudget } from './retry-budget';

const policy = { share: 0.1, least: 10 };

function taken(budget: RetryBudget, nowMs: number, tries: number): number {
  let count = 0;
  for (let index = 0; index < tries; index++) if (budget.take(nowMs, policy)) count++;
  return count;
}

test('a tenth of the requests of the last ten seconds, and ten in any case', () => {
  const budget = new RetryBudget();
  expect(taken(budget, 1_000, 100)).toBe(10);
  for (let index = 0; index < 500; index++) budget.request(2_000);
  expect(taken(budget, 2_000, 1_000)).toBe(40);
  expect(taken(budget, 11_500, 1_000)).toBe(10);
  expect(taken(budget, 12_500, 1_000)).toBe(0);
  expect(taken(budget, 22_000, 1_000)).toBe(10);
});

test('over any ten seconds retries never exceed the share, whatever the order of events', () => {
  const event = fc.record({ afterMs: fc.nat(3_000), retry: fc.boolean() });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 300 }), (events) => {
      const budget = new RetryBudget();
      const requests: number[] = [];
      const retries: number[] = [];
      let nowMs = 0;
      for (const { afterMs, retry } of events) {
        nowMs += afterMs;
        if (!retry) {
          budget.request(nowMs);
          requests.push(nowMs);
        } else if (budget.take(nowMs, policy)) {
          retries.push(nowMs);
        }
        // Whole seconds are what it counts by.
        const recent = (times: number[]) => times.filter((at) => Math.floor(at / 1000) > Math.floor(nowMs / 1000) - 10);
        expect(recent(retries).length).toBeLessThanOrEqual(Math.max(10, 0.1 * requests.length));
      }
    }),
  );
});
