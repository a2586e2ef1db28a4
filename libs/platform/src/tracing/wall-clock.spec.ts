import { WallClock } from './wall-clock';

function clocks(trueOffsetMs: number) {
  const state = { nowMs: 1_000.25, offsetMs: trueOffsetMs };
  return { state, now: () => state.nowMs, wallNow: () => Math.floor(state.nowMs + state.offsetMs) };
}

test('a time is told to the fraction of a millisecond', () => {
  const both = clocks(5_000.5);
  const clock = new WallClock(both, 5_000.5);
  expect(clock.at(900.125)).toBe(5_900.625);
});

test('a clock that was put right is followed, to the millisecond', () => {
  const both = clocks(5_000.5);
  const clock = new WallClock(both, 5_000.5);
  both.state.offsetMs = 8_000.7;
  expect(Math.abs(clock.at(900) - 8_900.7)).toBeLessThanOrEqual(1);
  both.state.offsetMs = 4_000.2;
  expect(Math.abs(clock.at(900) - 4_900.2)).toBeLessThanOrEqual(1);
});
