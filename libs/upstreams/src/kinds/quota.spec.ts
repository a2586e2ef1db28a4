import { quotaReader } from './quota';

const left = quotaReader([
  { limit: 'limit-a', remaining: 'remaining-a' },
  { limit: 'limit-b', remaining: 'remaining-b' },
]);

test.each([
  ['the one that is told', { 'limit-a': '100', 'remaining-a': '25' }, 0.25],
  ['the smaller of two', { 'limit-a': '100', 'remaining-a': '90', 'limit-b': '40000', 'remaining-b': '10000' }, 0.25],
  ['at most all', { 'limit-a': '100', 'remaining-a': '150' }, 1],
  ['none, of a limit nobody knows', { 'remaining-a': '0' }, 0],
  ['unknown, of such a limit otherwise', { 'remaining-a': '7' }, undefined],
  ['unknown without headers', {}, undefined],
  ['unknown where they say nothing', { 'limit-a': '', 'remaining-a': 'plenty', 'remaining-b': ['1', '2'] }, undefined],
])('what is left is %s', (_, headers, share) => {
  expect(left(headers)).toBe(share);
});
