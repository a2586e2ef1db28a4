import fc from 'fast-check';
import { cutBytes, decodeBytes, readSse, readStream } from '../../__fixtures__/stream-grammar';
import type { TapContext } from '../../dialect';
import type { JsonObject } from '../../json';
import type { StreamEnd } from '../../stream-event';
import {
  chunkOf,
  deltaChunk,
  DONE_EVENT,
  finishChunk,
  scriptedStream,
  USAGE,
  usageChunk,
} from './__fixtures__/chunk.arbitrary';
import { ChatStreamDecoder } from './stream';
import { tapReply } from './reply-tap';
import { ChatStreamTap } from './stream-tap';

/** The name the fixtures' upstream uses: nothing to splice. */
const SAME: TapContext = { model: 'up', includeUsage: true };
const RENAMED: TapContext = { model: 'openai/gpt-"5"', includeUsage: true };

function pass(text: string | Buffer, context = SAME, how: StreamEnd = 'completed', cuts: readonly number[] = []) {
  const tap = new ChatStreamTap(context);
  const pieces = cutBytes(typeof text === 'string' ? Buffer.from(text) : text, cuts).map((piece) => tap.push(piece));
  return { tap, text: Buffer.concat([...pieces, tap.end(how)]).toString() };
}

const REPLY =
  deltaChunk({ role: 'assistant', content: '' }) + deltaChunk({ content: 'Grüße\n😀' }) + finishChunk('stop');

describe('ChatStreamTap', () => {
  it('hands on the very same Buffer where nothing has to change', () => {
    const bytes = Buffer.from(REPLY + usageChunk(USAGE) + DONE_EVENT);
    expect(new ChatStreamTap(SAME).push(bytes)).toBe(bytes);
  });

  it('puts the resolved model in place of the upstream name in every chunk, and changes nothing else', () => {
    const { text } = pass(REPLY + usageChunk(USAGE) + DONE_EVENT, RENAMED);
    expect(text).toBe((REPLY + usageChunk(USAGE) + DONE_EVENT).replaceAll('"up"', '"openai/gpt-\\"5\\""'));
  });

  it('finds the model name wherever it stands, in chunk after chunk', () => {
    const chunk = (content: string, model: string): string =>
      `data: ${JSON.stringify({ choices: [{ delta: { content } }], model, usage: null })}\n\n`;
    const sent = (model: string): string => ['a', 'bcd', '', 'e"f'].map((content) => chunk(content, model)).join('');
    expect(pass(sent('up') + DONE_EVENT, RENAMED).text).toBe(sent(RENAMED.model) + DONE_EVENT);
  });

  it('reads every chunk that is not like the one before it', () => {
    const error = `data: ${JSON.stringify({ choices: [{ delta: { content: 'c' } }], error: { message: 'Boom' } })}\n\n`;
    const plain = (content: string): string => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
    const broken = plain('c').replace('}]}', '}]');
    const control = plain('c').replace('"c"', '"\tc"');
    expect(pass(plain('a') + plain('b') + error).tap.failure).toMatchObject({ kind: 'upstream', message: 'Boom' });
    expect(pass(plain('a') + plain('b') + broken).tap.failure).toMatchObject({ kind: 'malformed' });
    expect(pass(plain('a') + control + DONE_EVENT).text).toBe(plain('a') + control + DONE_EVENT);
    const hidden = plain('x"}}],"error":{"message":"Boom"},"choices":[{"delta":{"content":"y').replaceAll('\\"', '"');
    expect(pass(plain('a') + hidden).tap.failure).toMatchObject({ kind: 'upstream', message: 'Boom' });
    expect(pass(plain('a') + plain('b').replace('"b"', '"b\\"') + DONE_EVENT).tap.failure?.kind).toBe('malformed');
    expect(pass(plain('a') + plain('b\n"c"') + DONE_EVENT).tap.outputBytes).toBe(6);
  });

  it('leaves a model name inside the text alone', () => {
    const { text } = pass(deltaChunk({ content: '"model":"up"' }) + DONE_EVENT, RENAMED);
    expect(readSse(Buffer.from(text))[0]?.data).toContain('\\"model\\":\\"up\\"');
  });

  it('keeps unknown members, comments, event names and all choices of n', () => {
    const odd =
      ': hello\n\n' +
      'event: chunk\r\ndata: {"choices":[{"index":1,"delta":{"content":"b"}}],"x":1}\r\n\r\n' +
      chunkOf({ index: 2, delta: {}, finish_reason: 'length' });
    expect(pass(odd + DONE_EVENT).text).toBe(odd + DONE_EVENT);
  });

  it('splices a chunk that is spread over several data lines', () => {
    const { text } = pass('data: {"model":\ndata: "up","choices":[]}\n\n' + DONE_EVENT, RENAMED);
    expect(readSse(Buffer.from(text)).map(({ data }) => data)).toEqual([
      '{"model":\n"openai/gpt-\\"5\\"","choices":[]}',
      '[DONE]',
    ]);
  });

  it('reads usage, the end and the size of what was written', () => {
    const written = deltaChunk({ tool_calls: [{ index: 0, function: { name: 'f', arguments: '{"x":1}' } }] });
    const { tap } = pass(REPLY + written + usageChunk(USAGE) + DONE_EVENT);
    expect(tap.usage).toMatchObject({ inputTokens: 10, outputTokens: 5 });
    expect(tap.finish).toBe('stop');
    expect(tap.failure).toBeUndefined();
    expect(tap.outputBytes).toBe(Buffer.byteLength('Grüße\n😀{"x":1}'));
  });

  it('takes [DONE] for an end where no finish_reason came', () => {
    expect(pass(deltaChunk({ content: 'x' }) + DONE_EVENT).tap).toMatchObject({ finish: 'stop', failure: undefined });
  });

  it('is not misled by text that looks like an end', () => {
    const { tap } = pass(deltaChunk({ content: '"finish_reason":"stop"' }), SAME, 'truncated');
    expect(tap.finish).toBeUndefined();
  });

  it('reads ends and members written with spaces, as Python does', () => {
    const { tap } = pass(
      'data: {"choices": [{"delta": {"content": "abc"}, "finish_reason": "length"}]}\n\n' + DONE_EVENT,
    );
    expect([tap.finish, tap.outputBytes]).toEqual(['length', 3]);
  });

  it('keeps the usage chunk from a client that did not ask, and still reads it', () => {
    const { tap, text } = pass(REPLY + usageChunk(USAGE) + DONE_EVENT, { ...SAME, includeUsage: false });
    expect(text).toBe(REPLY + DONE_EVENT);
    expect(tap.usage).toMatchObject({ outputTokens: 5 });
  });

  it('never keeps back a chunk that has choices, whatever usage it carries', () => {
    const beside = chunkOf({ index: 0, delta: {}, finish_reason: 'stop' }, { usage: USAGE });
    expect(pass(beside + DONE_EVENT, { ...SAME, includeUsage: false }).text).toBe(beside + DONE_EVENT);
  });

  it('adds the cost beside what the upstream said of usage', () => {
    const { text } = pass(REPLY + usageChunk({ ...USAGE, x: 1 }) + DONE_EVENT, {
      ...RENAMED,
      costUsd: ({ outputTokens }) => outputTokens / 4,
    });
    const last = JSON.parse(readSse(Buffer.from(text)).at(-2)?.data ?? '') as JsonObject;
    expect(last).toMatchObject({ model: RENAMED.model, usage: { ...USAGE, x: 1, cost_usd: 1.25 } });
  });

  it('puts its own cost in the place of one that the upstream told', () => {
    const costUsd = () => 0.000_000_5;
    const { text } = pass(REPLY + usageChunk({ cost_usd: 9, ...USAGE }) + DONE_EVENT, { ...RENAMED, costUsd });
    expect(text.match(/"cost_usd":[^,}]*/g)).toEqual(['"cost_usd":5e-7']);
  });

  it('ends a truncated stream with an error, and drops the half event', () => {
    const { tap, text } = pass(`${deltaChunk({ content: 'x' })}data: {"cho`, SAME, 'truncated');
    expect(readSse(Buffer.from(text)).map(({ data }) => Object.keys(JSON.parse(data) as object)[0])).toEqual([
      'id',
      'error',
    ]);
    expect(tap.failure).toMatchObject({ kind: 'truncated' });
  });

  it('ends a malformed stream with an error in place of the malformed chunk', () => {
    const { tap, text } = pass(`${REPLY}data: {"choices":[}\n\n${DONE_EVENT}`);
    expect(text.startsWith(REPLY)).toBe(true);
    expect(readSse(Buffer.from(text)).at(-1)?.data).toContain('"error"');
    expect(text).not.toContain('[DONE]');
    expect(tap.failure).toMatchObject({ kind: 'malformed' });
  });

  it.each([
    ['data: {"error":{"message":"Boom","type":"server_error","code":"x","details":[1]}}\n\n'],
    ['event: error\ndata: {"message":"Boom","type":"server_error"}\n\n'],
  ])('passes an error of the upstream on as it is, and nothing after it: %j', (error) => {
    const { tap, text } = pass(deltaChunk({ content: 'x' }) + error + DONE_EVENT);
    expect(text).toBe(deltaChunk({ content: 'x' }) + error);
    expect(tap.failure).toEqual({ kind: 'upstream', type: 'server_error', message: 'Boom' });
  });

  it('passes nothing on that comes in later reads than the failure', () => {
    const tap = new ChatStreamTap(SAME);
    tap.push(Buffer.from('data: {"error":{"message":"Boom"}}\n\n'));
    expect(tap.push(Buffer.from(REPLY + DONE_EVENT))).toHaveLength(0);
    expect(tap.end('completed')).toHaveLength(0);
    expect(pass('data: {"error":{"message":"Boom"}}\n\ndata: [DONE]').text).not.toContain('DONE');
    expect(tap.end('completed')).toHaveLength(0);
  });

  it('says the failure it is told of where the stream is cut by us', () => {
    const tap = new ChatStreamTap(SAME);
    tap.push(Buffer.from(deltaChunk({ content: 'x' })));
    const text = tap.end('aborted', { kind: 'timeout', message: 'Too slow' }).toString();
    expect(text).toContain('"message":"Too slow"');
    expect(text).toContain('upstream_timeout');
  });

  it.each<[string, string, StreamEnd, boolean]>([
    ['[DONE]', REPLY + DONE_EVENT, 'completed', true],
    ['[DONE] without its blank line', `${REPLY}data: [DONE]`, 'completed', true],
    ['a clean close after the finish', REPLY, 'completed', true],
    ['a break after [DONE]', REPLY + DONE_EVENT, 'truncated', true],
    ['a break after the finish', REPLY, 'truncated', false],
    ['a clean close before the finish', deltaChunk({ content: 'x' }), 'completed', false],
    ['nothing', '', 'completed', false],
  ])('takes %s for what it is', (_, text, how, complete) => {
    expect(pass(text, SAME, how).tap.failure === undefined).toBe(complete);
  });

  it('says where a keepalive may go', () => {
    const tap = new ChatStreamTap(SAME);
    tap.push(Buffer.from(`${deltaChunk({ content: 'x' })}data: {`));
    expect(tap.atEventBoundary).toBe(false);
    tap.push(Buffer.from('"choices":[]}\n\n'));
    expect(tap.atEventBoundary).toBe(true);
  });

  it('sends the same events for any split of the bytes', () => {
    fc.assert(
      fc.property(
        scriptedStream,
        fc.array(fc.nat(5000), { maxLength: 12 }),
        fc.boolean(),
        fc.constantFrom<StreamEnd>('completed', 'truncated'),
        fc.nat(),
        ({ deltas, reply }, cuts, includeUsage, how, cutAt) => {
          const whole = deltas.map(deltaChunk).join('') + finishChunk('stop') + usageChunk(USAGE) + DONE_EVENT;
          const context = { ...RENAMED, includeUsage, costUsd: () => 1 };
          const bytes = Buffer.from(whole);
          const sent = how === 'completed' ? bytes : bytes.subarray(0, cutAt % bytes.length);
          const once = pass(sent, context, how);
          const pieces = pass(sent, context, how, cuts);
          expect(pieces.text).toBe(once.text);
          expect(pieces.tap.usage).toEqual(once.tap.usage);
          expect(pieces.tap.outputBytes).toBe(once.tap.outputBytes);
          const said = readStream(decodeBytes(new ChatStreamDecoder({ toolNames: new Map() }), Buffer.from(once.text)));
          expect(said.end?.type).toBe(how === 'completed' ? 'finish' : 'error');
          if (how === 'completed') expect(said.text).toBe(reply.texts.join(''));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('tapReply', () => {
  const reply = { id: 'x', choices: [{ finish_reason: 'tool_calls', message: { content: '"model"' } }], model: 'up' };

  it('is the same Buffer where nothing has to change', () => {
    const body = Buffer.from(JSON.stringify({ ...reply, usage: USAGE }));
    expect(tapReply(body, SAME)).toMatchObject({
      finish: 'tool-calls',
      usage: { outputTokens: 5 },
      failure: undefined,
    });
    expect(tapReply(body, SAME).body).toBe(body);
  });

  it('splices the model and the cost, whichever comes first', () => {
    for (const body of [
      { ...reply, usage: USAGE },
      { usage: USAGE, ...reply },
    ]) {
      const tapped = tapReply(Buffer.from(JSON.stringify(body)), { ...RENAMED, costUsd: () => 2 });
      expect(JSON.parse(tapped.body.toString())).toEqual({
        ...body,
        model: RENAMED.model,
        usage: { ...USAGE, cost_usd: 2 },
      });
    }
  });

  it.each([
    ['garbage', '<html>', 'malformed'],
    ['half a reply', '{"choices":[', 'malformed'],
    ['another shape', '{"content":[]}', 'malformed'],
    ['an error', '{"error":{"message":"No"}}', 'upstream'],
  ])('says that %s is no reply', (_, text, kind) => {
    const body = Buffer.from(text);
    expect(tapReply(body, SAME)).toMatchObject({ body, failure: { kind } });
  });
});
