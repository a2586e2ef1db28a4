import { ingestTable, parseRounds, ratioTo } from './report';

const rounds = parseRounds(
  '{"records":1000,"ingestMs":20,"indexedMs":15,"bareMs":5}\n{"records":1000,"ingestMs":40,"indexedMs":20,"bareMs":10}\n',
);

test('a ratio is of throughputs, round by round: above 1 ingest would be the faster', () => {
  expect(ratioTo('indexedMs', rounds)).toEqual({ median: 0.63, low: 0.5, high: 0.75 });
  expect(ratioTo('bareMs', rounds)).toEqual({ median: 0.25, low: 0.25, high: 0.25 });
});

test('the table has events per second of each side', () => {
  expect(ingestTable(rounds)).toMatch(/^\| ingest +\| 37,500 /m);
  expect(ingestTable(rounds)).toMatch(/^\| insert, into a heap +\| 150,000 +\| \*\*0\.25\*\* /m);
});

test('what is no round is refused', () => {
  expect(() => parseRounds('{"records":1}')).toThrow('no round');
});
