import { retryAfterReader } from './retry-after';

const NOW_MS = Date.parse('2026-11-28T10:00:00Z');
const wait = retryAfterReader(['retry-after-ms', 'x-other-ms']);

test.each([
  ['milliseconds', { 'retry-after-ms': '1250', 'retry-after': '2' }, 1_250],
  ['another header of milliseconds', { 'x-other-ms': '300', 'retry-after': '1' }, 300],
  ['seconds', { 'retry-after': '7' }, 7_000],
  ['seconds with a fraction', { 'retry-after': '0.5' }, 500],
  ['a date', { 'retry-after': 'Sat, 28 Nov 2026 10:00:09 GMT' }, 9_000],
  ['a date that has passed', { 'retry-after': 'Sat, 28 Nov 2026 09:00:00 GMT' }, 0],
  ['seconds beside broken milliseconds', { 'retry-after-ms': 'soon', 'retry-after': '3' }, 3_000],
  ['nothing', {}, undefined],
  ['an empty header', { 'retry-after': '' }, undefined],
  ['a negative number', { 'retry-after': '-1' }, undefined],
  ['words with a number, which a parser of dates would take', { 'retry-after': 'try 5' }, undefined],
])('reads %s', (_, headers, ms) => {
  expect(wait(headers, NOW_MS)).toBe(ms);
});
