import fc from 'fast-check';
import { JsonScanner } from './json-scan';
import { removeMember, spliceBytes } from './json-span';

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
