import fc from 'fast-check';
import { cutBytes, decodeBytes, readSse, readStream, type Collected } from '../../__fixtures__/stream-grammar';
import type { TapContext } from '../../dialect';
import type { JsonObject } from '../../json';
import { emptyUsage } from '../../usage';
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
import { ChatStreamTap } from './stream-tap';

const SHOWN: TapContext = { model: 'shown', includeUsage: true };
const SPENT = { ...emptyUsage(), inputTokens: 10, outputTokens: 7 };
const NOTE = 'the budget is spent';
const HEAD = { id: 'chatcmpl-9', object: 'chat.completion.chunk', created: 1, model: 'shown' };

function stopAfter(text: string, context = SHOWN) {
  const tap = new ChatStreamTap(context);
  const sent = tap.push(Buffer.from(text));
  const closing = tap.stopAtLimit(SPENT, NOTE);
  return { tap, sent, closing: closing.toString(), bytes: Buffer.concat([sent, closing]) };
}

function heard(bytes: Buffer): Collected {
  return readStream(decodeBytes(new ChatStreamDecoder({ toolNames: new Map() }), bytes));
}

function chunks(text: string): JsonObject[] {
  const events = readSse(Buffer.from(text));
  expect(events.at(-1)?.data).toBe('[DONE]');
  return events.slice(0, -1).map(({ data }) => JSON.parse(data) as JsonObject);
}

function finishes(text: string): unknown[][] {
  return chunks(text).flatMap(({ choices }) =>
    (choices as JsonObject[]).map(({ index, finish_reason }) => [index, finish_reason]),
  );
}

describe('a Chat stream stopped at a limit', () => {
  it('ends as one that reached its length: a comment, the finish, the usage, [DONE]', () => {
    const { tap, closing, bytes } = stopAfter(deltaChunk({ role: 'assistant', content: 'Hel' }));
    expect(closing.startsWith(`: ${NOTE}\n\ndata: {`)).toBe(true);
    expect(chunks(closing)).toEqual([
      { ...HEAD, choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: 'length' }], usage: null },
      { ...HEAD, choices: [], usage: expect.objectContaining({ prompt_tokens: 10, completion_tokens: 7 }) },
    ]);
    expect(heard(bytes)).toMatchObject({ text: 'Hel', end: { type: 'finish', reason: 'length', usage: SPENT } });
    expect(tap).toMatchObject({ finish: 'length', usage: SPENT, failure: undefined });
  });

  it('is not taken for exact: the usage is the gateway’s count, not the upstream’s', () => {
    expect(stopAfter(deltaChunk({ content: 'x' })).tap.usageIsFinal).toBe(false);
  });

  it('tells no usage to a client that did not ask, and the cost to one that did', () => {
    const text = deltaChunk({ content: 'x' });
    const silent = chunks(stopAfter(text, { ...SHOWN, includeUsage: false }).closing);
    expect(silent).toHaveLength(1);
    expect(silent[0]).not.toHaveProperty('usage');
    const told = chunks(stopAfter(text, { ...SHOWN, costUsd: ({ outputTokens }) => outputTokens / 4 }).closing);
    expect(told.at(-1)).toMatchObject({ usage: { cost_usd: 1.75 } });
  });

  it.each([
    ['a tool call', { tool_calls: [{ index: 3, id: 'c', function: { name: 'f', arguments: '{"x":' } }] }],
    ['thinking', { reasoning_content: 'Hm' }],
    ['a refusal', { refusal: 'No' }],
  ])('may stop in the middle of %s', (_, delta) => {
    const { bytes, closing } = stopAfter(deltaChunk(delta));
    expect(finishes(closing)).toEqual([[0, 'length']]);
    expect(heard(bytes).end).toMatchObject({ type: 'finish', reason: 'length' });
  });

  it('ends every choice once, those that had ended not again', () => {
    const text =
      ['a', 'b'].map((content) => chunkOf({ index: 0, delta: { content }, finish_reason: null })).join('') +
      ['c', 'd'].map((content) => chunkOf({ index: 12, delta: { content }, finish_reason: null })).join('') +
      'data: {"choices": [{"finish_reason": null, "delta": {"content": "e"}, "index" : 1}, {"delta":{}, "index": 3}]}\n\n' +
      chunkOf({ index: 1, delta: {}, finish_reason: 'stop' }) +
      chunkOf({ index: 1, delta: {}, finish_reason: null });
    const { tap, closing } = stopAfter(text);
    expect(finishes(closing)).toEqual([
      [0, 'length'],
      [12, 'length'],
      [3, 'length'],
    ]);
    expect(tap.finish).toBe('length');
  });

  it('takes a choice without an index for the first', () => {
    expect(finishes(stopAfter('data: {"choices":[{"delta":{"content":"x"}}]}\n\n').closing)).toEqual([[0, 'length']]);
  });

  it('drops half an event, and sends nothing more whatever comes', () => {
    const first = deltaChunk({ content: 'x' });
    const { tap, bytes, closing } = stopAfter(`${first}${deltaChunk({ content: 'lost' }).slice(0, 40)}`);
    expect(bytes.toString()).toBe(first.replace('"up"', '"shown"') + closing);
    expect(tap.atEventBoundary).toBe(true);
    expect(tap.push(Buffer.from(finishChunk('stop') + usageChunk(USAGE) + DONE_EVENT))).toHaveLength(0);
    expect(tap.stopAtLimit(SPENT, NOTE)).toHaveLength(0);
    expect(tap.end('truncated', { kind: 'timeout', message: 'Too slow' })).toHaveLength(0);
    expect(tap).toMatchObject({ finish: 'length', usage: SPENT, failure: undefined });
  });

  it.each(['', ': hello\n\n', 'data: {"choices":[],"prompt_filter_results":[]}\n\n', deltaChunk({}).slice(0, 30)])(
    'cannot be before a choice came, and then changes nothing: %j',
    (text) => {
      const { tap, closing } = stopAfter(text);
      expect(closing).toBe('');
      const rest = tap.push(Buffer.from(deltaChunk({}).slice(text.startsWith('data: {"id') ? text.length : 0)));
      expect(rest.toString()).toContain('"choices":[{"index":0');
      expect(tap).toMatchObject({ finish: undefined, usage: undefined });
    },
  );

  it('adds only what is missing where all choices had ended, and leaves their reason', () => {
    const { tap, closing, bytes } = stopAfter(deltaChunk({ content: 'x' }) + finishChunk('stop'));
    expect(chunks(closing)).toEqual([expect.objectContaining({ choices: [] })]);
    expect(heard(bytes).end).toMatchObject({ reason: 'stop', usage: SPENT });
    expect(tap).toMatchObject({ finish: 'stop', usage: SPENT, usageIsFinal: false });
    const told = stopAfter(deltaChunk({ content: 'x' }) + finishChunk('stop') + usageChunk(USAGE));
    expect(chunks(told.closing)).toEqual([]);
    expect(told.tap).toMatchObject({ finish: 'stop', usage: { outputTokens: 5 }, usageIsFinal: true });
  });

  it.each([
    ['an end', deltaChunk({ content: 'x' }) + finishChunk('stop') + DONE_EVENT],
    ['an error', `${deltaChunk({ content: 'x' })}data: {"error":{"message":"Boom"}}\n\n`],
  ])('never follows %s', (_, text) => {
    const { tap, closing } = stopAfter(text);
    expect(closing).toBe('');
    expect(tap.finish).not.toBe('length');
  });

  it('is a whole stream wherever it is stopped, for any split of the bytes', () => {
    fc.assert(
      fc.property(scriptedStream, fc.nat(), fc.array(fc.nat(5000), { maxLength: 8 }), ({ deltas }, cutAt, cuts) => {
        const opening = deltaChunk({ role: 'assistant', content: '' });
        const bytes = Buffer.from(opening + deltas.map(deltaChunk).join(''));
        const tap = new ChatStreamTap(SHOWN);
        const sent = bytes.subarray(0, opening.length + (cutAt % (bytes.length - opening.length + 1)));
        const passed = cutBytes(sent, cuts).map((piece) => tap.push(piece));
        const all = Buffer.concat([...passed, tap.stopAtLimit(SPENT, NOTE)]);
        expect(finishes(all.toString()).filter(([, reason]) => reason !== null)).toEqual([[0, 'length']]);
        const { end } = heard(all);
        // The fixture may name a call late, and one cut before its name is nothing a decoder can tell on.
        if (end?.type === 'error') expect(end.error.message).toContain('without a name');
        else expect(end).toMatchObject({ reason: 'length', usage: SPENT });
      }),
      { numRuns: 300 },
    );
  });
});
