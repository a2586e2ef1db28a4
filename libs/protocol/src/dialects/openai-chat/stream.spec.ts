import fc from 'fast-check';
import { decodeBytes, readStream } from '../../__fixtures__/stream-grammar';
import type { ReplyContext } from '../../dialect';
import type { JsonObject } from '../../json';
import type { StreamEnd, StreamEvent } from '../../stream-event';
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

const CONTEXT: ReplyContext = { toolNames: new Map() };

function events(text: string, how: StreamEnd = 'completed', context = CONTEXT): StreamEvent[] {
  return decodeBytes(new ChatStreamDecoder(context), Buffer.from(text), how);
}

function calls(...wires: JsonObject[]): string {
  return wires.map((wire) => deltaChunk({ tool_calls: [wire] })).join('');
}

const named = (index: number, id: string, name: string, text = ''): JsonObject => ({
  index,
  id,
  type: 'function',
  function: { name, arguments: text },
});
const more = (index: number, text: string): JsonObject => ({ index, function: { arguments: text } });

describe('ChatStreamDecoder', () => {
  it('reads a plain reply: role chunk, text, finish, usage after it, [DONE]', () => {
    const text =
      deltaChunk({ role: 'assistant', content: '' }) +
      deltaChunk({ content: 'Hel' }) +
      deltaChunk({ content: 'lo' }) +
      finishChunk('stop') +
      usageChunk(USAGE) +
      DONE_EVENT;
    expect(events(text)).toEqual([
      { type: 'start', id: 'chatcmpl-9', model: 'up' },
      { type: 'block-start', block: { type: 'text' } },
      { type: 'text-delta', text: 'Hel' },
      { type: 'text-delta', text: 'lo' },
      { type: 'block-stop' },
      {
        type: 'finish',
        reason: 'stop',
        usage: {
          inputTokens: 10,
          cacheReadTokens: 0,
          cacheWrite5mTokens: 0,
          cacheWrite1hTokens: 0,
          outputTokens: 5,
          reasoningTokens: 0,
        },
      },
    ]);
  });

  it('passes each delta on at once while one block is open', () => {
    const decoder = new ChatStreamDecoder(CONTEXT);
    const push = (delta: JsonObject): string[] =>
      decoder.push({ event: undefined, data: deltaChunk(delta).slice('data: '.length).trim() }).map(({ type }) => type);
    expect(push({ content: 'a' })).toEqual(['start', 'block-start', 'text-delta']);
    expect(push({ content: 'b' })).toEqual(['text-delta']);
    expect(push({ tool_calls: [named(0, 'a', 'f', '{"x"')] })).toEqual([
      'block-stop',
      'block-start',
      'arguments-delta',
    ]);
    expect(push({ tool_calls: [more(0, ':1}')] })).toEqual(['arguments-delta']);
    expect(push({ tool_calls: [named(1, 'b', 'g')] })).toEqual(['block-stop', 'block-start']);
  });

  it('holds a later call back while the open one may still get arguments', () => {
    const text =
      calls(named(0, 'a', 'f', '{"x":'), named(1, 'b', 'g', '{}'), more(0, '1}')) + finishChunk('tool_calls');
    expect(events(text).map((event) => (event.type === 'block-start' ? event.block : event.type))).toEqual([
      'start',
      { type: 'tool-call', id: 'a', name: 'f' },
      'arguments-delta',
      'arguments-delta',
      'block-stop',
      { type: 'tool-call', id: 'b', name: 'g' },
      'arguments-delta',
      'block-stop',
      'finish',
    ]);
  });

  it.each<[string, string, { id: string; name: string; arguments: string }[]]>([
    [
      'several calls in one chunk',
      deltaChunk({ tool_calls: [named(0, 'a', 'f', '{}'), named(1, 'b', 'g', '{"y":2}')] }),
      [
        { id: 'a', name: 'f', arguments: '{}' },
        { id: 'b', name: 'g', arguments: '{"y":2}' },
      ],
    ],
    [
      'arguments before the id and name',
      calls(more(0, '{"x"'), more(0, ':1'), named(0, 'a', 'f', '}')),
      [{ id: 'a', name: 'f', arguments: '{"x":1}' }],
    ],
    [
      'id and name repeated on every chunk',
      calls(named(0, 'a', 'f', '{"x"'), named(0, 'a', 'f', ':1}')),
      [{ id: 'a', name: 'f', arguments: '{"x":1}' }],
    ],
    [
      'every parallel call under index 0 (Gemini)',
      calls(named(0, 'a', 'f', '{}'), named(0, 'b', 'g', '{}')),
      [
        { id: 'a', name: 'f', arguments: '{}' },
        { id: 'b', name: 'g', arguments: '{}' },
      ],
    ],
    [
      'calls without index',
      deltaChunk({ tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{}' } }] }) +
        deltaChunk({ tool_calls: [{ id: 'b', function: { name: 'g', arguments: '{' } }] }) +
        deltaChunk({ tool_calls: [{ function: { arguments: '}' } }] }),
      [
        { id: 'a', name: 'f', arguments: '{}' },
        { id: 'b', name: 'g', arguments: '{}' },
      ],
    ],
    [
      'calls without ids, by ids that the reply and the place give',
      calls({ index: 0, function: { name: 'f', arguments: '{}' } }, { index: 1, function: { name: 'f' } }),
      [
        { id: 'call_chatcmpl-9_0', name: 'f', arguments: '{}' },
        { id: 'call_chatcmpl-9_1', name: 'f', arguments: '' },
      ],
    ],
    [
      'arguments as an object (Ollama)',
      deltaChunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: { x: 1 } } }] }),
      [{ id: 'a', name: 'f', arguments: '{"x":1}' }],
    ],
    [
      'the legacy function_call',
      deltaChunk({ function_call: { name: 'f', arguments: '{' } }) + deltaChunk({ function_call: { arguments: '}' } }),
      [{ id: 'call_chatcmpl-9_0', name: 'f', arguments: '{}' }],
    ],
  ])('reads %s', (_, text, expected) => {
    const { calls: read, end } = readStream(events(text + finishChunk('tool_calls') + DONE_EVENT));
    expect(read).toEqual(expected);
    expect(end).toMatchObject({ type: 'finish', reason: 'tool-calls' });
  });

  it('restores the names of tools and says which stop sequence hit', () => {
    const context = { toolNames: new Map([['short', 'the long one']]), stopSequences: ['END'] };
    expect(readStream(events(calls(named(0, 'a', 'short', '{}')) + DONE_EVENT, 'completed', context)).calls).toEqual([
      { id: 'a', name: 'the long one', arguments: '{}' },
    ]);
    const stopped = deltaChunk({ content: 'x' }) + chunkOf({ delta: {}, finish_reason: 'stop', stop_reason: 'END' });
    expect(readStream(events(stopped, 'completed', context)).end).toMatchObject({
      reason: 'stop-sequence',
      stopSequence: 'END',
    });
  });

  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['content_filter', 'refusal'],
    ['tool_calls', 'stop'],
  ])('reads the end %s as %s', (word, reason) => {
    expect(readStream(events(deltaChunk({ content: 'x' }) + finishChunk(word))).end).toMatchObject({ reason });
  });

  it('takes usage from before the finish, from beside it and from after it', () => {
    const beside = chunkOf({ index: 0, delta: {}, finish_reason: 'stop' }, { usage: USAGE });
    for (const text of [usageChunk(USAGE) + finishChunk('stop'), beside, finishChunk('stop') + usageChunk(USAGE)]) {
      const { end } = readStream(events(deltaChunk({ content: 'x' }) + text + DONE_EVENT));
      expect(end).toMatchObject({ type: 'finish', usage: { inputTokens: 10, outputTokens: 5 } });
    }
  });

  it('reports, once, what the canonical stream has no place for', () => {
    const delta = { content: 'x', annotations: [1], images: [], reasoning_details: [{ type: 'reasoning.text' }] };
    const odd = chunkOf({ index: 0, delta, logprobs: { content: [] } });
    const second = chunkOf({ index: 1, delta: { content: 'other' } });
    const lost = events(odd + odd + second + finishChunk('bored') + 'data: {"type":"tick"}\n\n' + DONE_EVENT)
      .filter((event) => event.type === 'loss')
      .map(({ loss }) => loss.feature);
    expect(lost).toEqual(['logprobs', 'field.annotations', 'field.reasoning_details', 'n', 'event', 'finish_reason']);
  });

  describe('success', () => {
    const reply = deltaChunk({ content: 'x' });

    it('is [DONE], also without any finish_reason', () => {
      expect(readStream(events(reply + DONE_EVENT, 'truncated')).end).toMatchObject({ type: 'finish', reason: 'stop' });
    });

    it('is a clean close after a finish_reason', () => {
      expect(readStream(events(reply + finishChunk('stop'))).end?.type).toBe('finish');
    });

    it.each<[string, string, StreamEnd, string]>([
      ['a clean close without an end', reply, 'completed', 'truncated'],
      ['a break after the finish_reason, usage unseen', reply + finishChunk('stop'), 'truncated', 'truncated'],
      ['a break in the middle', reply, 'truncated', 'truncated'],
      ['our own abort', reply + finishChunk('stop'), 'aborted', 'gateway'],
      ['nothing at all', '', 'completed', 'truncated'],
      ['[DONE] alone', DONE_EVENT, 'completed', 'truncated'],
      ['a malformed chunk', `${reply}data: {"choices":[\n\n${DONE_EVENT}`, 'completed', 'malformed'],
      ['a chunk that is no object', `data: 5\n\n${DONE_EVENT}`, 'completed', 'malformed'],
      ['content that is no text', deltaChunk({ content: 5 }) + DONE_EVENT, 'completed', 'malformed'],
      [
        'an object of arguments that is nested without end',
        deltaChunk({ tool_calls: [named(0, 'a', 'f')] }).replace('"arguments":""', `"arguments":${deep(5000)}`),
        'completed',
        'malformed',
      ],
      ['a call that never gets a name', calls(more(0, '{}')) + DONE_EVENT, 'completed', 'malformed'],
      [
        'arguments for a call that had ended',
        calls(named(0, 'a', 'f', '{}'), named(1, 'b', 'g', '{}'), more(0, 'x')) + DONE_EVENT,
        'completed',
        'malformed',
      ],
      [
        'an error in the stream',
        `${reply}data: {"error":{"message":"Boom"}}\n\n${DONE_EVENT}`,
        'completed',
        'upstream',
      ],
      ['an error event', `${reply}event: error\ndata: {"message":"Boom"}\n\n`, 'completed', 'upstream'],
      ['a finish_reason that says abort', reply + finishChunk('abort') + DONE_EVENT, 'completed', 'upstream'],
      ['calls that are none', deltaChunk({ tool_calls: 'f()' }) + DONE_EVENT, 'completed', 'malformed'],
      ['a finish_reason that says error', reply + finishChunk('error') + DONE_EVENT, 'completed', 'upstream'],
    ])('is not %s', (_, text, how, kind) => {
      expect(readStream(events(text, how)).end).toMatchObject({ type: 'error', error: { kind } });
    });

    it('is followed by nothing, and so is an error', () => {
      const after = deltaChunk({ content: 'late' });
      expect(events(reply + DONE_EVENT + after).at(-1)?.type).toBe('finish');
      expect(events(`data: {"error":"Boom"}\n\n${after}${DONE_EVENT}`)).toEqual([
        { type: 'error', error: { kind: 'upstream', message: 'Boom' } },
      ]);
    });
  });

  const cuts = fc.array(fc.nat(5000), { maxLength: 10 });

  it('keeps the grammar and loses no text and no argument, for any interleaving and any split of the bytes', () => {
    fc.assert(
      fc.property(scriptedStream, cuts, fc.boolean(), ({ reply, deltas }, places, saysDone) => {
        const body = deltas.map(deltaChunk).join('') + finishChunk('stop');
        const bytes = Buffer.from(body + (saysDone ? usageChunk(USAGE) + DONE_EVENT : ''));
        const decoder = new ChatStreamDecoder(CONTEXT);
        const said = readStream(decodeBytes(decoder, bytes, 'completed', places));
        expect(said.text).toBe(reply.texts.join(''));
        expect(said.thinking).toBe(reply.thinking.join(''));
        expect(said.refusal).toBe(reply.refusals.join(''));
        const sorted = [...said.calls].sort((left, right) => (left.id < right.id ? -1 : 1));
        const expected = reply.calls.map(({ id, name, pieces }) => ({ id, name, arguments: pieces.join('') }));
        expect(sorted).toEqual(expected);
        expect(said.end?.type).toBe('finish');
      }),
      { numRuns: 500 },
    );
  });

  it('never takes a stream that was cut off, anywhere, for a success', () => {
    fc.assert(
      fc.property(scriptedStream, fc.nat(), cuts, ({ deltas }, cutAt, places) => {
        const whole = Buffer.from(deltas.map(deltaChunk).join('') + finishChunk('stop') + DONE_EVENT);
        const cut = whole.subarray(0, cutAt % whole.length);
        const said = readStream(decodeBytes(new ChatStreamDecoder(CONTEXT), cut, 'truncated', places));
        expect(said.end?.type).toBe('error');
      }),
      { numRuns: 300 },
    );
  });
});

function deep(levels: number): string {
  return `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
}
