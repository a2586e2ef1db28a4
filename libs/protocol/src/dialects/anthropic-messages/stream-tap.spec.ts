import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { arbitraryStream } from '../../conversation.arbitrary';
import type { StreamTap } from '../../dialect';
import { formatSseEvent } from '../../sse/encoder';
import { SseDecoder, type SseEvent } from '../../sse/decoder';
import { emptyUsage } from '../../usage';
import { anthropicMessages } from './dialect';

const toolUse = readFileSync(path.join(__dirname, '__fixtures__', 'tool-use.upstream.sse'));
const tap = (model = 'shown'): StreamTap => anthropicMessages.streamTap({ model, includeUsage: true });
const sse = (bytes: Buffer): SseEvent[] => new SseDecoder().push(bytes);

function pass(stream: StreamTap, bytes: Buffer, cuts: readonly number[]): Buffer {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((left, right) => left - right);
  let start = 0;
  const pieces = [...places, bytes.length].map((place) => {
    const piece = stream.push(bytes.subarray(start, place));
    start = place;
    return piece;
  });
  return Buffer.concat([...pieces, stream.end('completed')]);
}

describe('AnthropicStreamTap', () => {
  it('changes nothing but the model name, for any byte split', () => {
    const expected = toolUse.toString().replace('"claude-sonnet-4-6"', '"shown"');
    fc.assert(
      fc.property(fc.array(fc.nat(toolUse.length), { maxLength: 40 }), (cuts) => {
        const watched = tap();
        expect(pass(watched, toolUse, cuts).toString()).toBe(expected);
        expect(watched.failure).toBeUndefined();
        expect(watched.finish).toBe('tool-calls');
        expect(watched.usage).toEqual({
          inputTokens: 472,
          cacheReadTokens: 100,
          cacheWrite5mTokens: 10,
          cacheWrite1hTokens: 20,
          outputTokens: 89,
          reasoningTokens: 12,
        });
      }),
    );
  });

  it('hands on the very Buffer that came where nothing is to change', () => {
    const watched = tap('claude-sonnet-4-6');
    expect(watched.push(toolUse)).toBe(toolUse);
    expect(watched.end('completed')).toHaveLength(0);
    const other = tap();
    other.push(toolUse.subarray(0, toolUse.indexOf('event: content_block_start')));
    const delta = Buffer.from(
      'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{}}\n\n',
    );
    expect(other.push(delta)).toBe(delta);
  });

  it('counts the generated text, signatures left out', () => {
    const watched = tap();
    watched.push(toolUse);
    const texts = ['The \\"usage\\" key, é', 'Okay', ", let's check", '{\\"location\\":', ' \\"Paris\\"}'];
    expect(watched.outputBytes).toBe(Buffer.byteLength(texts.join('')));
  });

  it('passes events, fields and spellings it does not know', () => {
    const start = { type: 'message_start', message: { shiny: [1], model: 'x', usage: null } };
    const stream = Buffer.from(
      `: hello\r\n\r\ndata: ${JSON.stringify(start)}\r\n\r\nevent: shiny\r\ndata: {"a":1}\r\n\r\n` +
        'data: {"index":0, "type":"content_block_delta", "delta":{"type":"text_delta","text":"hi"}}\r\n\r\n' +
        'event: message_stop\ndata: {"type":"message_stop"}\n\n: bye\n\n',
    );
    const watched = tap();
    expect(pass(watched, stream, []).toString()).toBe(stream.toString().replace('"x"', '"shown"'));
    expect(watched.failure).toBeUndefined();
    expect(watched.usage).toBeUndefined();
    expect(watched.outputBytes).toBeGreaterThan(0);
  });

  it('replaces the model name of the message only, whatever else is called model', () => {
    const start = { type: 'message_start', model: 'outer', message: { a: { model: 'inner' }, model: 'é"\\' } };
    const [event] = sse(tap('new').push(Buffer.from(formatSseEvent('message_start', JSON.stringify(start)))));
    expect(JSON.parse(event?.data ?? '')).toEqual({ ...start, message: { a: { model: 'inner' }, model: 'new' } });
  });

  it('never takes a stream cut anywhere for a success, and ends it in an error event', () => {
    const lastFrame = toolUse.indexOf('event: message_stop');
    for (let cut = 0; cut < lastFrame + 40; cut += 7) {
      const watched = tap();
      const events = sse(pass(watched, toolUse.subarray(0, cut), []));
      expect(events.at(-1)?.event).toBe('error');
      expect(watched.failure?.kind).toBe('truncated');
      const before = events.slice(0, -1).map(({ data }) => JSON.parse(data) as object);
      expect(before.every((event) => 'type' in event)).toBe(true);
    }
  });

  it('words the failure it is told of', () => {
    const watched = tap();
    watched.push(toolUse.subarray(0, 900));
    const [event] = sse(watched.end('aborted', { kind: 'timeout', message: 'too slow' }));
    expect(event).toEqual({
      event: 'error',
      data: '{"type":"error","error":{"type":"timeout_error","message":"too slow"}}',
    });
  });

  it('passes the upstream’s own error event, notes it, and adds none', () => {
    const error = Buffer.from(
      formatSseEvent('error', '{"type":"error","error":{"type":"overloaded_error","message":"Busy"}}'),
    );
    const watched = tap();
    watched.push(toolUse.subarray(0, toolUse.indexOf('event: ping')));
    expect(watched.push(Buffer.concat([error, Buffer.from('event: ping\ndata: {}\n\n')])).toString()).toBe(
      error.toString(),
    );
    expect(watched.failure).toEqual({ kind: 'upstream', type: 'overloaded_error', message: 'Busy' });
    expect(watched.end('completed')).toHaveLength(0);
  });

  it.each([
    ['an event that is no JSON', 'event: ping\ndata: {"type":\n\n'],
    [
      'a delta cut short',
      'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_del\n\n',
    ],
    [
      'a delta cut inside its text',
      'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello\n\n',
    ],
    ['a web page', 'data: <html></html>\n\n'],
    ['an array', 'data: []\n\n'],
  ])('puts an error in place of %s and sends nothing after it', (_what, garbage) => {
    const head = toolUse.subarray(0, toolUse.indexOf('event: ping'));
    const watched = tap('claude-sonnet-4-6');
    const sent = watched.push(Buffer.concat([head, Buffer.from(garbage), toolUse]));
    expect(sent.subarray(0, head.length)).toEqual(head);
    expect(sse(sent.subarray(head.length))).toMatchObject([{ event: 'error' }]);
    expect(watched.failure?.kind).toBe('malformed');
    expect(watched.push(toolUse)).toHaveLength(0);
    expect(watched.end('completed')).toHaveLength(0);
  });

  it('gives up on a frame without end', () => {
    const watched = tap();
    const piece = Buffer.alloc(1024 * 1024, 97);
    const sent = Array.from({ length: 20 }, () => watched.push(piece));
    expect(sse(Buffer.concat(sent))).toMatchObject([{ event: 'error' }]);
    expect(watched.failure?.kind).toBe('malformed');
  });

  it('reads the usage of any stream our own encoder writes', () => {
    fc.assert(
      fc.property(arbitraryStream, fc.array(fc.nat(4000), { maxLength: 10 }), (events, cuts) => {
        const encoder = anthropicMessages.streamEncoder({
          model: 'shown',
          id: 'm',
          createdAtSeconds: 0,
          includeUsage: true,
        });
        const bytes = Buffer.from(events.map((event) => encoder.push(event)).join(''));
        const watched = tap();
        expect(pass(watched, bytes, cuts).equals(bytes)).toBe(true);
        const last = events.at(-1);
        expect(watched.usage).toEqual(last?.type === 'finish' ? last.usage : undefined);
      }),
    );
  });
});

describe('usage at the end of an Anthropic stream', () => {
  const startFrame = formatSseEvent(
    'message_start',
    '{"type":"message_start","message":{"model":"shown","content":[],"usage":{"input_tokens":9,"output_tokens":1}}}',
  );
  const endFrames = (usage: string): string =>
    formatSseEvent('message_delta', `{"type":"message_delta","delta":{"stop_reason":"end_turn"}${usage}}`) +
    formatSseEvent('message_stop', '{"type":"message_stop"}');

  it.each([
    [',"usage":{"output_tokens":7}', true, 7],
    [',"usage":{}', false, 1],
    ['', false, 1],
  ])('is final only if it was told there: %j', (usage, isFinal, outputTokens) => {
    const watched = tap();
    watched.push(Buffer.from(startFrame + endFrames(usage)));
    watched.end('completed');
    expect(watched.failure).toBeUndefined();
    expect(watched.usageIsFinal).toBe(isFinal);
    expect(watched.usage).toMatchObject({ inputTokens: 9, outputTokens });

    const decoder = anthropicMessages.streamDecoder({ toolNames: new Map() });
    const events = sse(Buffer.from(startFrame + endFrames(usage))).flatMap((event) => decoder.push(event));
    const finish = events.find(({ type }) => type === 'finish');
    expect(finish).toMatchObject({ type: 'finish', usage: { outputTokens } });
    expect(finish !== undefined && 'usageIsPartial' in finish).toBe(!isFinal);
  });
});

describe('tapReply of Anthropic Messages', () => {
  const body =
    '{"id":"msg_1", "content":[{"type":"text","text":"my \\"model\\""}], "model" : "claude-x", "stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":4}, "shiny":1}';
  const tapReply = (text: string, model = 'shown') =>
    anthropicMessages.tapReply(Buffer.from(text), { model, includeUsage: true });

  it('changes nothing but the model name, and reads usage and finish', () => {
    const tapped = tapReply(body);
    expect(tapped.body.toString()).toBe(body.replace('claude-x', 'shown'));
    expect(tapped).toMatchObject({
      usage: { ...emptyUsage(), inputTokens: 3, outputTokens: 4 },
      finish: 'stop',
      failure: undefined,
    });
  });

  it('hands on the very Buffer where the name is right', () => {
    const bytes = Buffer.from(body);
    expect(anthropicMessages.tapReply(bytes, { model: 'claude-x', includeUsage: true }).body).toBe(bytes);
  });

  it.each(['', '<html>', body.slice(0, -1), '[]', '{"choices":[]}'])('finds %j to be no reply', (text) => {
    expect(tapReply(text).failure?.kind).toBe('malformed');
  });
});
