import fc from 'fast-check';
import { SseDecoder, SseOverflowError, type SseEvent } from './decoder';
import { formatSseComment, formatSseEvent } from './encoder';

/** Cuts bytes at the given places (any order, any value) and feeds the pieces. */
function decodeInPieces(bytes: Buffer, cuts: readonly number[]): SseEvent[] {
  const decoder = new SseDecoder();
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((left, right) => left - right);
  const events: SseEvent[] = [];
  let start = 0;
  for (const place of [...places, bytes.length]) {
    events.push(...decoder.push(bytes.subarray(start, place)));
    start = place;
  }
  events.push(...decoder.end());
  return events;
}

const decode = (text: string): SseEvent[] => decodeInPieces(Buffer.from(text), []);

describe('SseDecoder', () => {
  it('reads event and data lines, with or without the space after the colon', () => {
    expect(decode('event: a\ndata: {"x":1}\n\nevent:b\ndata:  two\n\n')).toEqual([
      { event: 'a', data: '{"x":1}' },
      { event: 'b', data: ' two' },
    ]);
  });

  it('joins several data lines with a line feed', () => {
    expect(decode('data: a\ndata\ndata: b\n\n')).toEqual([{ event: undefined, data: 'a\n\nb' }]);
  });

  it.each([['\n'], ['\r\n'], ['\r']])('ends lines with %j, at every split', (lineEnd) => {
    const bytes = Buffer.from(['event: a', 'data: 1', '', ': note', 'data: é€😀', '', ''].join(lineEnd));
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(decodeInPieces(bytes, [cut])).toEqual([
        { event: 'a', data: '1' },
        { event: undefined, data: 'é€😀' },
      ]);
    }
  });

  it('ignores comments, ids, retries, unknown fields and events without data', () => {
    expect(decode(': hi\n\nid: 1\nretry: 5\nfoo: x\ndatabase: y\n\nevent: lonely\n\ndata: a\n\n')).toEqual([
      { event: undefined, data: 'a' },
    ]);
  });

  it('dispatches an event whose data line is empty', () => {
    expect(decode('data:\n\n')).toEqual([{ event: undefined, data: '' }]);
  });

  it('strips one byte order mark at the very start only', () => {
    const bytes = Buffer.from('\ufeffdata: \ufeffa\n\n');
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(decodeInPieces(bytes, [cut])).toEqual([{ event: undefined, data: '\ufeffa' }]);
    }
  });

  it('does not dispatch an unterminated last event, and says that one was cut', () => {
    const decoder = new SseDecoder();
    expect(decoder.push(Buffer.from('data: a\n\ndata: b\n'))).toEqual([{ event: undefined, data: 'a' }]);
    expect(decoder.end()).toEqual([]);
    expect(decoder.hasPartial).toBe(true);
  });

  it('holds no part after a complete event', () => {
    const decoder = new SseDecoder();
    decoder.push(Buffer.from('data: a\r\n\r'));
    expect(decoder.hasPartial).toBe(false);
    expect(decoder.push(Buffer.from('\ndata: b\n\n'))).toEqual([{ event: undefined, data: 'b' }]);
  });

  it('refuses an event larger than its bound, in one line or in many', () => {
    const line = Buffer.from(`data: ${'x'.repeat(50)}\n`);
    const many = new SseDecoder(100);
    many.push(line);
    expect(() => many.push(line)).toThrow(SseOverflowError);
    expect(() => new SseDecoder(100).push(Buffer.alloc(101, 97))).toThrow(SseOverflowError);
  });

  it('stays within its bound through endless keepalive comments', () => {
    const decoder = new SseDecoder(100);
    for (let count = 0; count < 100; count++) decoder.push(Buffer.from(': keepalive\n\n: keepalive\n'));
    expect(decoder.push(Buffer.from('data: a\n\n'))).toEqual([{ event: undefined, data: 'a' }]);
  });

  it('gives the same events for any split of any bytes', () => {
    const line = fc.oneof(
      fc.constantFrom('', '', 'data', 'data:', ':', 'event: x', 'event:', '\ufeff', 'data: é', 'id: 1'),
      fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => `data: ${text}`),
      fc.string({ unit: 'binary', maxLength: 12 }),
    );
    const lineEnd = fc.constantFrom('\n', '\r', '\r\n');
    const stream = fc.array(fc.tuple(line, lineEnd), { maxLength: 30 }).map((lines) => lines.flat().join(''));
    fc.assert(
      fc.property(stream, fc.array(fc.nat(400), { maxLength: 20 }), (text, cuts) => {
        expect(decodeInPieces(Buffer.from(text), cuts)).toEqual(decodeInPieces(Buffer.from(text), []));
      }),
    );
  });

  it('reads back what the encoder wrote, comments between', () => {
    const event = fc.record({
      event: fc.option(
        fc.string({ minLength: 1 }).filter((name) => !/^ |[\r\n]/.test(name)),
        { nil: undefined },
      ),
      data: fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\r', '\n')),
    });
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const text = events.map(({ event, data }) => formatSseEvent(event, data) + formatSseComment('alive')).join('');
        expect(decode(text)).toEqual(events);
      }),
    );
  });

  it('lets no event name or comment forge an event', () => {
    expect(decode(formatSseEvent('a\ndata: forged\n\n', 'x') + formatSseComment('c\n\ndata: forged'))).toEqual([
      { event: 'a data: forged ', data: 'x' },
    ]);
  });
});
