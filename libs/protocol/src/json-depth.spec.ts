import type { JsonValue } from './json';
import { isDeeperThan } from './json-depth';

test.each<[string, number, (inner: JsonValue) => JsonValue]>([
  ['arrays', 1, (inner) => [1, inner]],
  ['objects', 1, (inner) => ({ first: null, second: inner })],
  ['objects in arrays', 2, (inner) => [{ only: inner }]],
])('levels of %s are counted', (_, levels, wrap) => {
  let value: JsonValue = 'a';
  expect(isDeeperThan(value, 0)).toBe(false);
  for (let depth = levels; depth <= 6; depth += levels) {
    value = wrap(value);
    expect(isDeeperThan(value, depth)).toBe(false);
    expect(isDeeperThan(value, depth - 1)).toBe(true);
  }
});

test('a level may have any number of members', () => {
  const wide = Array.from({ length: 300_000 }, () => ({ type: 'text' }));
  expect(isDeeperThan(wide, 2)).toBe(false);
  expect(isDeeperThan({ messages: wide }, 2)).toBe(true);
});
