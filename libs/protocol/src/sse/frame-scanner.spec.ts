import fc from 'fast-check';
import { SseDecoder, SseOverflowError } from './decoder';
import { SseFrameScanner } from './frame-scanner';

function scanInPieces(bytes: Buffer, cuts: readonly number[]): { frames: Buffer[]; rest: Buffer } {
  const scanner = new SseFrameScanner();
  const frames: Buffer[] = [];
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((left, right) => left - right);
  let start = 0;
  for (const place of [...places, bytes.length]) {
    const batch = scanner.push(bytes.subarray(start, place));
    let frameStart = 0;
    for (const end of batch.ends) {
      frames.push(batch.bytes.subarray(frameStart, end));
      frameStart = end;
    }
    expect(frameStart).toBe(batch.bytes.length);
    start = place;
  }
  return { frames, rest: scanner.end() };
}

describe('SseFrameScanner', () => {
  it('hands back the very Buffer where it holds whole frames only', () => {
    const bytes = Buffer.from('event: a\ndata: 1\n\ndata: 2\n\n');
    const batch = new SseFrameScanner().push(bytes);
    expect(batch.bytes).toBe(bytes);
    expect(batch.ends).toEqual([18, bytes.length]);
  });

  it('holds an unfinished frame and gives it whole when its end comes', () => {
    const scanner = new SseFrameScanner();
    const first = scanner.push(Buffer.from('data: 1\n\ndata: 2'));
    expect(first.bytes.toString()).toBe('data: 1\n\n');
    expect(scanner.atFrameBoundary).toBe(false);
    const second = scanner.push(Buffer.from('2\n\n'));
    expect(second).toEqual({ bytes: Buffer.from('data: 22\n\n'), ends: [10] });
    expect(scanner.atFrameBoundary).toBe(true);
  });

  it('refuses a frame larger than its bound', () => {
    const scanner = new SseFrameScanner(100);
    expect(() => {
      for (let count = 0; count < 3; count++) scanner.push(Buffer.alloc(50, 97));
    }).toThrow(SseOverflowError);
  });

  it('loses and changes no byte, and cuts where the decoder dispatches, for any split', () => {
    const line = fc.oneof(
      fc.constantFrom('', '', '', ': c', 'event: x', 'data: é', 'data'),
      fc.string({ unit: 'binary', maxLength: 8 }),
    );
    const stream = fc
      .array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 30 })
      .map((lines) => lines.flat().join(''));
    fc.assert(
      fc.property(stream, fc.array(fc.nat(300), { maxLength: 20 }), (text, cuts) => {
        const bytes = Buffer.from(text);
        const { frames, rest } = scanInPieces(bytes, cuts);
        expect(Buffer.concat([...frames, rest])).toEqual(bytes);
        const whole = new SseDecoder();
        const framed = new SseDecoder();
        const perFrame = frames.map((frame) => framed.push(frame));
        expect(framed.hasPartial).toBe(false);
        expect(perFrame.every((events) => events.length <= 1)).toBe(true);
        expect(perFrame.flat()).toEqual(whole.push(bytes));
      }),
    );
  });
});
