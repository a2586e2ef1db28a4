import { formatTraceparent, isSampled, parseTraceparent, readTracestate } from './trace-context';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

test('a traceparent is read, and written as it was', () => {
  const context = parseTraceparent(`00-${TRACE}-${SPAN}-01`);
  expect(context).toEqual({ traceId: TRACE, spanId: SPAN, flags: 1 });
  expect(formatTraceparent(context!)).toBe(`00-${TRACE}-${SPAN}-01`);
  expect(isSampled(context!)).toBe(true);
});

test.each([
  ['00', false],
  ['01', true],
  ['02', false],
  ['03', true],
  ['ff', true],
])('flags %s: sampled %s, and all of them are passed on', (flags, sampled) => {
  const context = parseTraceparent(`00-${TRACE}-${SPAN}-${flags}`)!;
  expect(isSampled(context)).toBe(sampled);
  expect(formatTraceparent(context).slice(-2)).toBe(flags);
});

test.each([
  undefined,
  ['00', TRACE],
  '',
  'garbage',
  `00-${TRACE}-${SPAN}`,
  `00-${TRACE}-${SPAN}-1`,
  `00-${TRACE}-${SPAN}-01-more`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `ff-${TRACE}-${SPAN}-01`,
  ` 00-${TRACE}-${SPAN}-01`,
  `00-${TRACE}-${SPAN}-01\n`,
  `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
])('%p is no traceparent', (header) => {
  expect(parseTraceparent(header)).toBeUndefined();
});

test('a later version is read as far as this one goes', () => {
  const expected = { traceId: TRACE, spanId: SPAN, flags: 1 };
  expect(parseTraceparent(`01-${TRACE}-${SPAN}-01`)).toEqual(expected);
  expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-comes`)).toEqual(expected);
  expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01.what`)).toBeUndefined();
});

test('a tracestate is passed on as it came, unless it is none', () => {
  for (const state of ['rojo=00f067aa0ba902b7,congo=t61rcWkgMzE', 'a@b=c , ,d=e'])
    expect(readTracestate(state)).toBe(state);
  for (const none of [undefined, ['a=b'], '', 'a', 'A=b', 'a=b=c', 'a=\u{e4}', `a=${'b'.repeat(600)}`]) {
    expect(readTracestate(none)).toBeUndefined();
  }
  expect(readTracestate(Array.from({ length: 33 }, (_, index) => `k${index}=v`).join(','))).toBeUndefined();
});
