import fc from 'fast-check';
import { JsonScanner } from './json-scan';
import { readJsonString, readJsonValue, spliceBytes } from './json-span';
import { isJsonObject } from './json';

const scanner = new JsonScanner(['model', 'stream', 'message', 'message.model', 'message.usage']);
const scan = (text: string) => scanner.scan(Buffer.from(text));

/** Whether the scanner may differ: only inside strings, where it does not look. */
function parses(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

describe('JsonScanner', () => {
  it('finds values at depth 1 and under one key, and nowhere else', () => {
    const text =
      '{"a":{"model":"no"}, "message" : {"x":[{"model":1}],"model":"m","usage":{"n":1}} ,"model":"top","stream":true}';
    const result = scan(text);
    if (!result.ok) throw new Error(result.reason);
    const found = Object.fromEntries(
      Object.entries(result.spans).map(([key, span]) => [key, span && text.slice(span.start, span.end)]),
    );
    expect(found).toEqual({
      model: '"top"',
      stream: 'true',
      message: '{"x":[{"model":1}],"model":"m","usage":{"n":1}}',
      'message.model': '"m"',
      'message.usage': '{"n":1}',
    });
  });

  it('takes the last of duplicate keys, as JSON.parse does, also where the last is no object', () => {
    const result = scan('{"model":1,"message":{"model":"a"},"model":2,"message":null}');
    if (!result.ok) throw new Error(result.reason);
    expect(result.spans['message.model']).toBeUndefined();
    expect(result.spans.model).toEqual({ start: 43, end: 44 });
  });

  it('understands escaped keys', () => {
    const result = scan('{"mod\\u0065l":"x"}');
    expect(result.ok && result.spans.model).toEqual({ start: 14, end: 17 });
  });

  it.each([
    ['', 'syntax'],
    ['[]', 'not-an-object'],
    ['{"a":1}x', 'syntax'],
    ['{"a":1,}', 'syntax'],
    ['{"a":[1,]}', 'syntax'],
    ['{"a":[1}', 'syntax'],
    ['{"a":{"b":1]}', 'syntax'],
    ['{"a" 1}', 'syntax'],
    ['{"a":01}', 'syntax'],
    ['{"a":1.}', 'syntax'],
    ['{"a":-}', 'syntax'],
    ['{"a":1e}', 'syntax'],
    ['{"a":tru}', 'syntax'],
    ['{"a":"x}', 'syntax'],
    ['{"a":"\\"}', 'syntax'],
    ['{a:1}', 'syntax'],
    ['{"a":[{"b" 1}]}', 'syntax'],
    ['\ufeff{}', 'not-an-object'],
  ])('refuses %j as %s', (text, reason) => {
    expect(scan(text)).toMatchObject({ ok: false, reason });
  });

  it('bounds nesting, without recursion', () => {
    const nested = (depth: number): string => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    expect(scan(nested(128)).ok).toBe(true);
    expect(scan(nested(129))).toMatchObject({ ok: false, reason: 'depth' });
    expect(scan(`{"a":${'['.repeat(1_000_000)}`)).toMatchObject({ ok: false, reason: 'depth' });
    expect(new JsonScanner(['a.b'], 1).scan(Buffer.from('{"a":{"b":1}}'))).toMatchObject({
      ok: false,
      reason: 'depth',
    });
  });

  it('reads a part of a larger Buffer and never past it', () => {
    const bytes = Buffer.from('data: {"model":"m"}\n\ndata: {"model":12345');
    expect(scanner.scan(bytes, 6, 19)).toMatchObject({ ok: true, spans: { model: { start: 15, end: 18 } } });
    for (let end = 7; end < 19; end++) expect(scanner.scan(bytes, 6, end).ok).toBe(false);
  });

  it('finds the end of long strings full of escapes', () => {
    for (let length = 0; length < 120; length++) {
      const value = 'x'.repeat(length) + '\\'.repeat(length % 7) + '"' + 'y'.repeat(length);
      const text = JSON.stringify({ pad: value, model: value });
      const result = scan(text);
      if (!result.ok || !result.spans.model) throw new Error('not found');
      expect(readJsonString(Buffer.from(text), result.spans.model)).toBe(value);
    }
  });

  it('finds the values JSON.parse finds, in any object, however spaced', () => {
    const key = fc.oneof(fc.constantFrom('model', 'stream', 'message', 'other'), fc.string());
    const value = fc.oneof(fc.jsonValue(), fc.dictionary(key, fc.jsonValue()));
    fc.assert(
      fc.property(fc.dictionary(key, value), fc.constantFrom(0, 1, '\t', '\r\n '), (object, space) => {
        const text = JSON.stringify(object, undefined, space);
        const bytes = Buffer.from(text);
        const result = scanner.scan(bytes);
        if (!result.ok) throw new Error(`${result.reason} at ${result.offset}`);
        for (const name of ['model', 'stream', 'message'] as const) {
          const span = result.spans[name];
          const expected = Object.hasOwn(object, name) ? (JSON.parse(text) as typeof object)[name] : undefined;
          expect(span && readJsonValue(bytes, span)).toEqual(expected);
        }
        const message = object['message'];
        const nested = result.spans['message.model'];
        const owns = isJsonObject(message) && Object.hasOwn(message, 'model');
        expect(nested && readJsonValue(bytes, nested)).toEqual(
          owns ? (JSON.parse(JSON.stringify(message)) as Record<string, unknown>)['model'] : undefined,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('accepts exactly what JSON.parse accepts, for damaged objects', () => {
    const soup = fc
      .array(
        fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"model"', '1', '-0.5e+3', '01', 'true', 'nul', ' ', '.'),
        {
          maxLength: 12,
        },
      )
      .map((tokens) => `{"k":${tokens.join('')}`);
    const damaged = fc
      .tuple(
        fc.dictionary(fc.constantFrom('a', 'b', 'model'), fc.jsonValue({ stringUnit: fc.constantFrom('x', 'y') })),
        fc.nat(),
        fc.constantFrom('', '}', ',', '0', ' ', ':', ']', '-'),
      )
      .map(([object, place, insertion]) => {
        const text = JSON.stringify(object);
        const at = place % (text.length + 1);
        return text.slice(0, at) + insertion + text.slice(at + (insertion === '' ? 1 : 0));
      });
    fc.assert(
      fc.property(fc.oneof(soup, damaged), (text) => {
        expect(scan(text).ok).toBe(isJsonObject(parses(text)));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('spliceBytes', () => {
  it('returns the same Buffer where there is nothing to change', () => {
    const body = Buffer.from('abc');
    expect(spliceBytes(body, [])).toBe(body);
  });

  it('replaces spans and leaves every other byte', () => {
    const edits = [
      { start: 0, end: 1, replacement: '' },
      { start: 2, end: 2, replacement: 'é' },
      { start: 4, end: 6, replacement: Buffer.from('Z') },
    ];
    expect(spliceBytes(Buffer.from('abcdef'), edits).toString()).toBe('bécdZ');
  });

  it('refuses edits that overlap', () => {
    const edit = { start: 1, end: 3, replacement: '' };
    expect(() => spliceBytes(Buffer.from('abcdef'), [edit, { ...edit, start: 2 }])).toThrow(RangeError);
  });
});

describe('readJsonString', () => {
  it('decodes escapes, and gives nothing for other values, bad escapes and control characters', () => {
    const read = (text: string) => readJsonString(Buffer.from(text), { start: 0, end: Buffer.byteLength(text) });
    expect(read('"a\\u00e9\\n"')).toBe('aé\n');
    expect(read('"é"')).toBe('é');
    expect(read('12')).toBeUndefined();
    expect(read('"\\x"')).toBeUndefined();
    expect(read('"a\nb"')).toBeUndefined();
  });
});
