import fc from 'fast-check';
import { arbitraryCuts, cutText } from './__fixtures__/replies';
import { JsonObjectReader, type ValueKind } from './json-object-reader';

function read(pieces: readonly string[]) {
  const members: { name: string; kind: ValueKind; value: string }[] = [];
  const reader = new JsonObjectReader({
    member: (name, kind) => {
      members.push({ name, kind, value: '' });
      return true;
    },
    value: (piece) => {
      const last = members.at(-1);
      if (last) last.value += piece;
    },
    memberEnd: () => undefined,
  });
  let rest = '';
  for (const piece of pieces) rest += piece.slice(reader.push(piece));
  return { members, state: reader.state, rest };
}

const jsonText = fc
  .tuple(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), fc.constantFrom(undefined, 1, '\t'))
  .map(([object, space]) => ({ object, text: JSON.stringify(object, undefined, space) }));

it('finds what JSON.parse finds, cut anywhere', () => {
  fc.assert(
    fc.property(jsonText, arbitraryCuts, ({ text }, cuts) => {
      const { members, state, rest } = read(cutText(text, cuts));
      const found = members.map(({ name, kind, value }) => [name, kind === 'string' ? value : JSON.parse(value)]);
      const parsed = JSON.parse(text) as Record<string, unknown>;
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(Object.entries(parsed)));
      expect({ state, rest }).toEqual({ state: 'done', rest: '' });
    }),
  );
});

it('never ends a piece of a string inside a character', () => {
  const pieces: string[] = [];
  const reader = new JsonObjectReader({
    ...{ member: () => true, memberEnd: () => undefined },
    value: (piece) => void pieces.push(piece),
  });
  for (const piece of ['{"a":"x\\ud83', 'd', '\\ude00\ud83d', '\ude00', '"}']) reader.push(piece);
  expect(pieces).toEqual(['x', '😀', '😀']);
});

it.each([
  ['a raw line feed', '{"a":"x\ny"}', 'x\ny'],
  ['an escape that JSON does not know', '{"a":"C:\\dir\\u12x\\"}', 'C:\\dir\\u12x"}'],
])('reads %s as text', (_, text, value) => {
  for (const pieces of [[text], [...text]])
    expect(read(pieces).members).toEqual([{ name: 'a', kind: 'string', value }]);
});

it.each(['[1]', '{a:1}', '{"a" 1}', '{"a":1 2}', '{"a":,}', '{"a":1,}'])('stops at what is no object: %s', (text) => {
  const whole = read([text]);
  expect(whole.state).toBe('failed');
  expect(read([...text])).toEqual(whole);
});
