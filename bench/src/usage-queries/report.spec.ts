import { above, parseQueryTimes, queriesTable } from './report';

const times = parseQueryTimes(
  '{"scope":"one tenant","range":"1 day","groupBy":"key","groups":3,"tookMs":[3,1,2]}\n' +
    '{"scope":"everything","range":"all","groupBy":"hour","groups":1000,"tookMs":[50.1,60,49]}\n',
);

test('a row has the median and the slowest, and what is above the target stands out', () => {
  expect(queriesTable(times)).toMatch(/^\| one tenant +\| 1 day +\| key +\| 3 +\| 2\.0 +\| 3\.0 +\|$/m);
  expect(queriesTable(times)).toMatch(
    /^\| everything +\| all +\| hour +\| 1,000 +\| \*\*50\.1\*\* +\| \*\*60\.0\*\* +\|$/m,
  );
});

test('a question is above the target by its median', () => {
  expect(above(times)).toEqual(['everything, all, by hour']);
});

test('what are no times is refused', () => {
  expect(() => parseQueryTimes('{"scope":"everything"}')).toThrow('no times');
});
