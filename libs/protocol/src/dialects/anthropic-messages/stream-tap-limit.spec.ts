import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { cutBytes, decodeBytes, readSse, readStream } from '../../__fixtures__/stream-grammar';
import { arbitraryStream } from '../../conversation.arbitrary';
import type { JsonObject } from '../../json';
import { formatSseEvent } from '../../sse/encoder';
import type { StreamEvent } from '../../stream-event';
import { emptyUsage } from '../../usage';
import { grammarFault } from './__fixtures__/stream-grammar';
import { anthropicMessages } from './dialect';
import { AnthropicStreamTap } from './stream-tap';

const toolUse = readFileSync(path.join(__dirname, '__fixtures__', 'tool-use.upstream.sse'));
const NOTE = 'the budget is spent';
/** What `message_start` of the frames below tells of the input, and some output. */
const SPENT = { ...emptyUsage(), inputTokens: 9, outputTokens: 7 };

const frame = (type: string, members: JsonObject = {}): string =>
  formatSseEvent(type, JSON.stringify({ type, ...members }));
const START = frame('message_start', { message: { id: 'm', model: 'shown', content: [], usage: { input_tokens: 9 } } });
const block = (index: number, content_block: JsonObject, ...deltas: JsonObject[]): string =>
  frame('content_block_start', { index, content_block }) +
  deltas.map((delta) => frame('content_block_delta', { index, delta })).join('');
const TEXT = block(0, { type: 'text', text: '' }, { type: 'text_delta', text: 'Hel' });

function stopAfter(text: string | Buffer) {
  const tap = new AnthropicStreamTap({ model: 'shown', includeUsage: true });
  const sent = tap.push(Buffer.from(text));
  const closing = tap.stopAtLimit(SPENT, NOTE);
  return { tap, closing: closing.toString(), bytes: Buffer.concat([sent, closing]) };
}

function decoded(bytes: Buffer): StreamEvent[] {
  return decodeBytes(anthropicMessages.streamDecoder({ toolNames: new Map() }), bytes);
}

const END =
  frame('message_delta', { delta: { stop_reason: 'max_tokens', stop_sequence: null }, usage: { output_tokens: 7 } }) +
  frame('message_stop');

describe('an Anthropic stream stopped at a limit', () => {
  it('ends as one that reached max_tokens: a comment, the open block closed, the end', () => {
    const { tap, closing, bytes } = stopAfter(START + TEXT);
    expect(closing).toBe(`: ${NOTE}\n\n${frame('content_block_stop', { index: 0 })}${END}`);
    expect(readStream(decoded(bytes))).toMatchObject({ text: 'Hel', end: { reason: 'length', usage: SPENT } });
    expect(tap).toMatchObject({ finish: 'length', usage: SPENT, usageIsFinal: false, failure: undefined });
  });

  it.each([
    ['a tool call', { type: 'tool_use', id: 't', name: 'f', input: {} }, 'input_json_delta', 'partial_json', '{"x":'],
    ['thinking', { type: 'thinking', thinking: '', signature: '' }, 'thinking_delta', 'thinking', 'Hm'],
  ])('may stop in the middle of %s, at whatever index', (_, content_block, type, member, text) => {
    const before = TEXT + frame('content_block_stop', { index: 0 });
    const { closing, bytes } = stopAfter(START + before + block(1, content_block, { type, [member]: text }));
    expect(closing).toBe(`: ${NOTE}\n\n${frame('content_block_stop', { index: 1 })}${END}`);
    expect(readStream(decoded(bytes)).end).toMatchObject({ type: 'finish', reason: 'length' });
  });

  it.each([
    ['before the first block', ''],
    ['between blocks', TEXT + frame('content_block_stop', { index: 0 })],
    ['after a block without deltas', block(0, { type: 'text' }) + frame('content_block_stop', { index: 0 })],
  ])('closes nothing %s', (_, text) => {
    expect(stopAfter(START + text).closing).toBe(`: ${NOTE}\n\n${END}`);
  });

  it('closes the last block of a server that leaves content_block_stop out', () => {
    const { closing, bytes } = stopAfter(START + TEXT + block(1, { type: 'text' }));
    expect(closing).toContain(frame('content_block_stop', { index: 1 }));
    expect(grammarFault(decoded(bytes))).toBeUndefined();
  });

  it('tells the input again where it is not as message_start told it', () => {
    const tap = new AnthropicStreamTap({ model: 'shown', includeUsage: true });
    tap.push(Buffer.from(START));
    const [end] = readSse(tap.stopAtLimit({ ...SPENT, inputTokens: 10, reasoningTokens: 3 }, NOTE));
    expect(JSON.parse(end?.data ?? '')).toMatchObject({
      usage: { input_tokens: 10, output_tokens: 7, output_tokens_details: { thinking_tokens: 3 } },
    });
  });

  it('drops half an event, and sends nothing more whatever comes', () => {
    const { tap, bytes, closing } = stopAfter(`${START}${TEXT}event: content_block_delta\ndata: {"type":"cont`);
    expect(bytes.toString()).toBe(START + TEXT + closing);
    expect(tap.push(toolUse)).toHaveLength(0);
    expect(tap.stopAtLimit(SPENT, NOTE)).toHaveLength(0);
    expect(tap.end('truncated', { kind: 'timeout', message: 'Too slow' })).toHaveLength(0);
    expect(tap).toMatchObject({ finish: 'length', usage: SPENT, failure: undefined });
  });

  it.each(['', frame('ping'), START.slice(0, 30)])(
    'cannot be before message_start, and then changes nothing: %j',
    (text) => {
      const { tap, closing } = stopAfter(text);
      expect(closing).toBe('');
      const rest = START.slice(START.startsWith(text) ? text.length : 0);
      expect(tap.push(Buffer.from(rest)).toString()).toBe(START);
      expect(tap.finish).toBeUndefined();
    },
  );

  it('adds only message_stop where the upstream had told its own end, and leaves what it told', () => {
    const told = frame('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 5 } });
    const { tap, closing } = stopAfter(START + TEXT + frame('content_block_stop', { index: 0 }) + told);
    expect(closing).toBe(`: ${NOTE}\n\n${frame('message_stop')}`);
    expect(tap).toMatchObject({ finish: 'stop', usage: { outputTokens: 5 }, usageIsFinal: true });
  });

  it.each([
    ['an end', frame('message_stop')],
    ['an error', frame('error', { error: { type: 'overloaded_error', message: 'Busy' } })],
  ])('never follows %s', (_, text) => {
    const { tap, closing } = stopAfter(START + text);
    expect(closing).toBe('');
    expect(tap.finish).toBeUndefined();
  });

  it('keeps the grammar wherever it is stopped, for any split of the bytes', () => {
    const context = { model: 'shown', id: 'm', createdAtSeconds: 0, includeUsage: true };
    const cuts = fc.array(fc.nat(4000), { maxLength: 8 });
    fc.assert(
      fc.property(arbitraryStream, fc.nat(), cuts, (events, cutAt, places) => {
        const encoder = anthropicMessages.streamEncoder(context);
        const whole = Buffer.from(events.map((event) => encoder.push(event)).join(''));
        const sent = whole.subarray(0, cutAt % (whole.indexOf('event: message_stop') + 1));
        const tap = new AnthropicStreamTap(context);
        const passed = Buffer.concat(cutBytes(sent, places).map((piece) => tap.push(piece)));
        const closing = tap.stopAtLimit(SPENT, NOTE);
        if (!passed.includes('message_start')) return expect(closing).toHaveLength(0);
        const said = decoded(Buffer.concat([passed, closing]));
        expect(grammarFault(said)).toBeUndefined();
        const { end } = readStream(said);
        const hadEnded = passed.includes('event: message_delta');
        expect(end).toMatchObject({ type: 'finish', ...(!hadEnded && { reason: 'length', usage: SPENT }) });
      }),
      { numRuns: 300 },
    );
  });
});
