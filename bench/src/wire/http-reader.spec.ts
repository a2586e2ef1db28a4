import fc from 'fast-check';
import { answerOf } from './answer';
import { HttpReader } from './http-reader';
import { answerText, wireReply } from './replies';

type Message = [startLine: string, bodyBytes: number, body?: string];

function read(bytes: Buffer, cuts: readonly number[]): Message[] {
  const messages: Message[] = [];
  const reader = new HttpReader((startLine, bodyBytes, body) =>
    messages.push([startLine, bodyBytes, body?.toString()]),
  );
  reader.keepBodies();
  const bounds = [0, ...[...cuts].map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  bounds.slice(1).forEach((end, index) => reader.push(bytes.subarray(bounds[index], end)));
  return messages;
}

const sized = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const chunked =
  'HTTP/1.1 429 Too Many\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n';
const bare = 'GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n';

describe('HttpReader', () => {
  it('reads the same messages whatever the splits', () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), (cuts) => {
        expect(read(Buffer.from(sized + chunked + bare + sized), cuts)).toEqual([
          ['HTTP/1.1 200 OK', 5, 'hello'],
          ['HTTP/1.1 429 Too Many', 19, 'abc0123456789abcdef'],
          ['GET /v1/models HTTP/1.1', 0, ''],
          ['HTTP/1.1 200 OK', 5, 'hello'],
        ]);
      }),
    );
  });

  it('says nothing of a message that is not whole', () => {
    for (let length = 0; length < chunked.length; length += 1) {
      expect(read(Buffer.from(chunked.slice(0, length)), [])).toEqual([]);
    }
  });

  it('shows the pieces of bodies as they come', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: chunked.length })), (cuts) => {
        const pieces: Buffer[] = [];
        const reader = new HttpReader(() => undefined);
        reader.watchBodies((piece) => pieces.push(piece));
        const bounds = [0, ...cuts.sort((a, b) => a - b), chunked.length];
        bounds.slice(1).forEach((end, index) => reader.push(Buffer.from(chunked.slice(bounds[index], end))));
        expect(Buffer.concat(pieces).toString()).toBe('abc0123456789abcdef');
      }),
    );
  });

  it('keeps no more than the beginning of a body where that is enough', () => {
    const bodies: (string | undefined)[] = [];
    const reader = new HttpReader((_startLine, _bodyBytes, body) => bodies.push(body?.toString()));
    reader.keepBodies(2);
    reader.push(Buffer.from(chunked + chunked));
    expect(bodies).toEqual(['abc', 'abc']);
  });

  it.each([['zz\r\n'], ['3\r\nabcX\r\n0\r\n\r\n']])('throws on chunks that are none: %j', (body) => {
    const bytes = Buffer.from(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${body}`);
    expect(() => read(bytes, [])).toThrow('malformed');
  });
});

describe('the canned replies', () => {
  it.each(['anthropic', 'chat'] as const)('say the same thing in %s, however they come', (dialect) => {
    for (const delivery of ['whole', 'separate', 'batched'] as const) {
      const [message] = read(Buffer.concat(wireReply(dialect, delivery)), []);
      expect(answerOf(dialect, delivery !== 'whole', message?.[2] ?? '')).toBe(answerText);
    }
  });

  it('come in as many writes as they say', () => {
    expect(wireReply('anthropic', 'separate').length).toBeGreaterThanOrEqual(100);
    expect(wireReply('anthropic', 'batched')).toHaveLength(4);
    expect(wireReply('chat', 'whole')).toHaveLength(1);
  });

  it.each(['anthropic', 'chat'] as const)('are no answer in %s when cut off', (dialect) => {
    const whole = read(Buffer.concat(wireReply(dialect, 'batched')), [])[0]?.[2] ?? '';
    expect(() => answerOf(dialect, true, whole.slice(0, -20))).toThrow('the stream ends in');
  });
});
