import fc from 'fast-check';
import { JsonScanner } from './json-scan';
import { readJsonNumber, readJsonString, removeMember, spliceBytes } from './json-span';

const scanner = new JsonScanner(['gone']);

function without(text: string): string {
  const body = Buffer.from(text);
  const scan = scanner.scan(body);
  if (!scan.ok || scan.spans.gone === undefined) throw new Error('nothing to remove');
  return spliceBytes(body, [removeMember(body, scan.spans.gone)]).toString();
}

test.each([
  ['{"gone":1}', '{}'],
  ['{"a":1,"gone":[1,2]}', '{"a":1}'],
  ['{"gone":"x","a":1}', '{"a":1}'],
  ['{ "a" : 1 ,\n "gone" : {"b":[]} , "c":2 }', '{ "a" : 1 ,\n  "c":2 }'],
  ['{"a":"\\"","gone":null}', '{"a":"\\""}'],
])('a member is taken out of %s', (text, left) => {
  expect(without(text)).toBe(left);
});

test('whatever stands around it stays', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.jsonValue(),
      fc.nat(3),
      (before, after, value, indent) => {
        const members = (object: object) =>
          Object.entries(object).filter(([name]) => name !== 'gone' && name !== '__proto__');
        const left = Object.fromEntries([...members(before), ...members(after)]);
        const whole = Object.fromEntries([...members(before), ['gone', value], ...members(after)]);
        expect(JSON.parse(without(JSON.stringify(whole, null, indent)))).toEqual(JSON.parse(JSON.stringify(left)));
      },
    ),
  );
});

test('numbers and strings are read as a parser reads them, whatever their length and form', () => {
  const wide = new JsonScanner(['value']);
  const numbers = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.maxSafeNat());
  const strings = fc.oneof(fc.string({ maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 200 }));
  const values = fc.oneof(numbers, strings, fc.boolean(), fc.constant(null));
  fc.assert(
    fc.property(values, (value) => {
      const body = Buffer.from(JSON.stringify({ value }));
      const scan = wide.scan(body);
      if (!scan.ok || scan.spans.value === undefined) throw new Error('not found');
      const read: unknown = JSON.parse(body.toString('utf8', scan.spans.value.start, scan.spans.value.end));
      expect(readJsonNumber(body, scan.spans.value)).toBe(typeof read === 'number' ? read : undefined);
      expect(readJsonString(body, scan.spans.value)).toBe(typeof read === 'string' ? read : undefined);
    }),
  );
});

test.each(['1e3', '-7', '1.5', '999999999999999', '9999999999999999', '12345678901234567890', '-0'])(
  'the number %s',
  (text) => {
    expect(readJsonNumber(Buffer.from(text), { start: 0, end: text.length })).toBe(JSON.parse(text));
  },
);
