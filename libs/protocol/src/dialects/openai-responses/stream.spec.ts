import fc from 'fast-check';
import { decodeBytes, readSse, readStream, type Collected } from '../../__fixtures__/stream-grammar';
import { TOOL_SEARCH } from '../../conversation';
import type { StreamEvent } from '../../stream-event';
import {
  added,
  argumentsDelta,
  CALL,
  completed,
  CREATED,
  done,
  event,
  MESSAGE,
  partAdded,
  REASONING,
  responseOf,
  SPENT,
  textDelta,
  thinkingDelta,
  WHOLE_STREAM,
} from './__fixtures__/events';
import { ResponsesStreamDecoder } from './stream-decoder';

function decode(text: string, cuts: readonly number[] = [], toolNames = new Map<string, string>()): StreamEvent[] {
  return decodeBytes(new ResponsesStreamDecoder({ toolNames }), Buffer.from(text), 'completed', cuts);
}

function heard(text: string): Collected {
  return readStream(decode(text));
}

function lossesOf(text: string): string[] {
  return decode(text).flatMap((told) => (told.type === 'loss' ? [told.loss.feature] : []));
}

const END = completed([]);

describe('a Responses stream', () => {
  it('is read as the API sends it', () => {
    expect(decode(WHOLE_STREAM)).toEqual([
      { type: 'start', id: 'resp_1', model: 'gpt-up' },
      { type: 'block-start', block: { type: 'thinking' } },
      { type: 'thinking-delta', text: 'First.' },
      { type: 'thinking-delta', text: '\n\nThen.' },
      { type: 'signature-delta', signature: 'gAAA', signedBy: 'openai-responses' },
      { type: 'block-stop' },
      { type: 'block-start', block: { type: 'text' } },
      { type: 'text-delta', text: 'Hel' },
      { type: 'text-delta', text: 'lo' },
      { type: 'block-stop' },
      { type: 'block-start', block: { type: 'tool-call', id: 'call_1', name: 'read' } },
      { type: 'arguments-delta', json: '{"path"' },
      { type: 'arguments-delta', json: ':"a"}' },
      { type: 'block-stop' },
      { type: 'finish', reason: 'tool-calls', usage: SPENT },
    ]);
  });

  it('gives the same events for any split of the bytes', () => {
    const whole = decode(WHOLE_STREAM);
    fc.assert(
      fc.property(fc.array(fc.nat(9000), { maxLength: 12 }), (cuts) => {
        expect(decode(WHOLE_STREAM, cuts)).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });

  it('needs no event names, and no other member of the events than those that say something', () => {
    const bare = WHOLE_STREAM.replace(/^event: .*\n/gm, '').replace(
      /"sequence_number":7,|"item_id":"[a-z_0-9]*",/g,
      '',
    );
    expect(decode(bare)).toEqual(decode(WHOLE_STREAM));
  });

  it('needs no deltas: what an item, its parts or the response tell at the end is told then, once', () => {
    const said = { text: 'Hello', thinking: 'First.\n\nThen.', signatures: ['gAAA'] };
    const byItems = CREATED + done(REASONING) + done(MESSAGE, 1) + done(CALL, 2);
    for (const text of [
      byItems + END,
      byItems + completed([REASONING, MESSAGE, CALL]),
      completed([REASONING, MESSAGE, CALL]),
    ]) {
      expect(heard(text)).toMatchObject({ ...said, calls: [{ arguments: '{"path":"a"}' }] });
    }
    const byPart = event('response.output_text.done', { output_index: 0, content_index: 0, text: 'Hello' });
    expect(heard(CREATED + textDelta('Hel') + byPart + done(MESSAGE) + END).text).toBe('Hello');
  });

  it('knows items by their ids where a server gives no place', () => {
    const text = WHOLE_STREAM.replace(/"output_index":\d,/g, '');
    expect(heard(text)).toMatchObject({ text: 'Hello', calls: [{ arguments: '{"path":"a"}' }] });
  });

  it('loses nothing where the added and done events of items are missing', () => {
    const text = CREATED + thinkingDelta('hm') + textDelta('Hi', 1) + textDelta('!', 2) + END;
    expect(heard(text)).toMatchObject({ thinking: 'hm', text: 'Hi!', end: { reason: 'stop' } });
  });

  it('has one block open at a time, however calls interleave', () => {
    const second = { ...CALL, id: 'fc_2', call_id: 'call_2', arguments: '{"path":"b"}' };
    const text =
      CREATED +
      added({ ...CALL, arguments: '' }) +
      added({ ...second, arguments: '' }, 1) +
      argumentsDelta('{"pa') +
      argumentsDelta('{"path"', 1) +
      argumentsDelta('th":"a"}') +
      argumentsDelta(':"b"}', 1) +
      done(second, 1) +
      done(CALL) +
      completed([CALL, second]);
    expect(heard(text).calls).toEqual([
      { id: 'call_1', name: 'read', arguments: '{"path":"a"}' },
      { id: 'call_2', name: 'read', arguments: '{"path":"b"}' },
    ]);
  });

  it('closes a block as soon as its item is done', () => {
    const decoder = new ResponsesStreamDecoder({ toolNames: new Map() });
    const push = (text: string) => readSse(Buffer.from(text)).flatMap((told) => decoder.push(told));
    push(CREATED + added({ ...CALL, arguments: '' }) + argumentsDelta('{"path":"a"}'));
    expect(push(done(CALL))).toEqual([{ type: 'block-stop' }]);
    push(textDelta('Hello', 1));
    expect(push(done(MESSAGE, 1))).toEqual([{ type: 'block-stop' }]);
  });

  it('passes on text that comes after its item ended', () => {
    expect(heard(CREATED + textDelta('Hello') + done(MESSAGE) + textDelta(' again') + END).text).toBe('Hello again');
  });

  it('reads free text of a call, the search for tools, refusals and citations', () => {
    const custom = { type: 'custom_tool_call', id: 'ctc', call_id: 'c1', name: 'patch', input: '' };
    const search = { type: 'tool_search_call', id: 'ts', call_id: 'c2', execution: 'client', arguments: { q: 1 } };
    const refusal = event('response.refusal.delta', { output_index: 2, content_index: 0, delta: 'No' });
    const annotation = { type: 'url_citation', url: 'u' };
    const events = decode(
      CREATED +
        added(custom) +
        event('response.custom_tool_call_input.delta', { output_index: 0, delta: '***' }) +
        done({ ...custom, input: '***' }) +
        done(search, 1) +
        refusal +
        textDelta('Hi', 3) +
        event('response.output_text.annotation.added', { output_index: 3, content_index: 0, annotation }) +
        completed([]),
    );
    expect(readStream(events)).toMatchObject({
      refusal: 'No',
      calls: [
        { id: 'c1', name: 'patch', arguments: '***' },
        { id: 'c2', name: TOOL_SEARCH, arguments: '{"q":1}' },
      ],
    });
    expect(events).toContainEqual({ type: 'citation', citation: annotation });
    expect(events).toContainEqual({
      type: 'block-start',
      block: { type: 'tool-call', id: 'c1', name: 'patch', custom: true },
    });
  });

  it('keeps an item of the provider’s own as it is, its events with it, and reports events it does not know', () => {
    const search = { type: 'web_search_call', id: 'ws_1', status: 'completed' };
    const text =
      CREATED + added(search) + event('response.web_search_call.searching', { output_index: 0 }) + done(search);
    expect(lossesOf(text + END)).toEqual([]);
    expect(decode(text + END)).toContainEqual({
      type: 'block-start',
      block: { type: 'opaque', dialect: 'openai-responses', wire: search },
    });
    expect(lossesOf(text + event('response.dream', {}) + event('response.dream', {}) + END)).toEqual([
      'event.response.dream',
    ]);
    expect(lossesOf(CREATED + done({ ...MESSAGE, phase: 'commentary' }) + END)).toEqual(['field.phase']);
  });

  it.each([
    [
      'response.incomplete',
      responseOf({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }),
      'length',
    ],
    [
      'response.incomplete',
      responseOf({ status: 'incomplete', incomplete_details: { reason: 'content_filter' } }),
      'refusal',
    ],
    ['response.completed', responseOf({ status: 'completed' }), 'stop'],
  ])('ended by %s finishes', (type, response, reason) => {
    expect(heard(CREATED + partAdded() + event(type, { response })).end).toMatchObject({ type: 'finish', reason });
  });

  it.each([
    [
      'response.failed',
      event('response.failed', {
        response: responseOf({ status: 'failed', error: { code: 'rate_limit_exceeded', message: 'Slow' } }),
      }),
      'rate_limit_exceeded',
    ],
    ['error, flat', event('error', { code: 'server_error', message: 'Slow', param: null }), 'server_error'],
    ['error, nested', event('error', { error: { type: 'overloaded_error', message: 'Slow' } }), 'overloaded_error'],
    ['a bare error', 'data: {"error":{"message":"Slow","type":"x"}}\n\n', 'x'],
  ])('is never a success after %s', (_, failure, type) => {
    const { end } = heard(CREATED + textDelta('Hi') + failure + END);
    expect(end).toEqual({ type: 'error', error: { kind: 'upstream', type, message: 'Slow' } });
  });

  it.each([
    ['garbage', 'data: <html>\n\n', 'malformed'],
    ['a bare value', 'data: 7\n\n', 'malformed'],
    ['the end of the bytes', '', 'truncated'],
    ['[DONE] alone', 'data: [DONE]\n\n', 'truncated'],
    ['a call without a name', argumentsDelta('{}', 5) + END, 'malformed'],
    ['arguments for a call that ended', added(CALL, 5) + done(CALL, 5) + argumentsDelta('x', 5), 'malformed'],
  ])('ends in an error on %s', (_, rest, kind) => {
    expect(heard(CREATED + textDelta('Hi') + rest).end).toMatchObject({ type: 'error', error: { kind } });
  });
});
