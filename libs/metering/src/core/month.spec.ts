import { monthAt } from './month';

test('a month is that of UTC, and counted across years', () => {
  const nowMs = Date.parse('2026-11-30T23:59:59.999Z');
  expect([-11, -3, 0, 1, 2].map((offset) => monthAt(nowMs, offset))).toEqual([
    ...['2025-12-01', '2026-08-01', '2026-11-01', '2026-12-01', '2027-01-01'],
  ]);
});

test('the last day of a long month is followed by the month after it', () => {
  expect(monthAt(Date.parse('2027-01-31T12:00:00Z'), 1)).toBe('2027-02-01');
});
