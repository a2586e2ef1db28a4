import fc from 'fast-check';
import { decodeBytes, readStream } from '../../__fixtures__/stream-grammar';
import { arbitraryFailedStream, arbitraryStream } from '../../conversation.arbitrary';
import type { EncodeContext } from '../../dialect';
import type { StreamEvent } from '../../stream-event';
import { emptyUsage } from '../../usage';
import { DONE_EVENT } from './__fixtures__/chunk.arbitrary';
import { ChatStreamDecoder } from './stream';
import { ChatStreamEncoder } from './stream-encoder';

const CONTEXT: EncodeContext = { model: 'openai/gpt-5', id: 'made-up', createdAtSeconds: 17, includeUsage: true };

function encode(events: readonly StreamEvent[], context = CONTEXT): { text: string; encoder: ChatStreamEncoder } {
  const encoder = new ChatStreamEncoder(context);
  return { text: events.map((event) => encoder.push(event)).join(''), encoder };
}

function chunks(text: string): unknown[] {
  return text
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: {'))
    .map((frame) => JSON.parse(frame.slice('data: '.length)) as unknown);
}

const START: StreamEvent = { type: 'start', id: 'msg_1', model: 'up' };

describe('ChatStreamEncoder', () => {
  it('writes role, deltas, finish, usage and [DONE]', () => {
    const { text } = encode(
      [
        START,
        { type: 'block-start', block: { type: 'text' } },
        { type: 'text-delta', text: 'Hi' },
        { type: 'block-stop' },
        { type: 'finish', reason: 'stop', usage: { ...emptyUsage(), outputTokens: 1 }, serviceTier: 'standard' },
      ],
      { ...CONTEXT, costUsd: () => 0.5 },
    );
    const base = { id: 'msg_1', object: 'chat.completion.chunk', created: 17, model: 'openai/gpt-5' };
    const choice = { index: 0, logprobs: null, finish_reason: null };
    const delta = { role: 'assistant', content: '', refusal: null };
    expect(chunks(text)).toEqual([
      { ...base, choices: [{ ...choice, delta }], usage: null },
      { ...base, choices: [{ ...choice, delta: { content: 'Hi' } }], usage: null },
      { ...base, choices: [{ ...choice, delta: {}, finish_reason: 'stop' }], service_tier: 'default', usage: null },
      { ...base, choices: [], usage: expect.objectContaining({ completion_tokens: 1, cost_usd: 0.5 }) as unknown },
    ]);
    expect(text.endsWith(DONE_EVENT)).toBe(true);
  });

  it('says nothing of usage to a client that did not ask', () => {
    const { text } = encode([START, { type: 'finish', reason: 'stop', usage: emptyUsage() }], {
      ...CONTEXT,
      includeUsage: false,
    });
    expect(text).not.toContain('usage');
  });

  it('numbers tool calls, and gives a call without arguments an empty object', () => {
    const call = (id: string): StreamEvent => ({ type: 'block-start', block: { type: 'tool-call', id, name: 'f' } });
    const { text } = encode([
      START,
      call('a'),
      { type: 'block-stop' },
      call('b'),
      argument('{"x":1}'),
      { type: 'block-stop' },
    ]);
    const deltas = (chunks(text) as { choices: { delta: { tool_calls?: unknown[] } }[] }[]).flatMap(
      ({ choices }) => choices[0]?.delta.tool_calls ?? [],
    );
    expect(deltas).toEqual([
      { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } },
      { index: 0, function: { arguments: '{}' } },
      { index: 1, id: 'b', type: 'function', function: { name: 'f', arguments: '' } },
      { index: 1, function: { arguments: '{"x":1}' } },
    ]);
  });

  it('ends a failed stream with an error and without [DONE]', () => {
    const { text } = encode([
      START,
      { type: 'error', error: { kind: 'upstream', type: 'overloaded_error', message: 'Busy' } },
    ]);
    expect(chunks(text).at(-1)).toEqual({
      error: { message: 'Busy', type: 'server_error', param: null, code: 'overloaded' },
    });
    expect(text).not.toContain('[DONE]');
  });

  it('keeps a silent stream alive by comments alone', () => {
    expect(encode([{ type: 'ping' }]).text).toBe(': keepalive\n\n');
  });

  it('drops nothing of an opaque block without a loss', () => {
    const { text, encoder } = encode([
      START,
      {
        type: 'block-start',
        block: { type: 'opaque', dialect: 'anthropic-messages', wire: { type: 'server_tool_use' } },
      },
      argument('{"query":'),
      { type: 'block-stop' },
    ]);
    expect(encoder.losses).toEqual([{ feature: 'block.server_tool_use', path: 'stream' }]);
    expect(chunks(text)).toHaveLength(1);
  });

  it('is read back as it was said, but for the losses it reported', () => {
    fc.assert(
      fc.property(arbitraryStream, fc.array(fc.nat(5000), { maxLength: 6 }), (events, cuts) => {
        const { text, encoder } = encode(events);
        const lost = new Set(encoder.losses.map(({ feature }) => feature));
        const decoder = new ChatStreamDecoder({ toolNames: new Map() });
        const said = readStream(events);
        const heard = readStream(decodeBytes(decoder, Buffer.from(text), 'completed', cuts));
        expect([heard.text, heard.thinking, heard.refusal]).toEqual([said.text, said.thinking, said.refusal]);
        expect(heard.calls).toEqual(said.calls.map((call) => ({ ...call, arguments: call.arguments || '{}' })));
        if (said.signatures.length > 0) expect(lost).toContain('thinking.signature');
        if (said.redacted.length > 0) expect(lost).toContain('redacted_thinking');
        expect(heard.end?.type).toBe('finish');
        if (said.end?.type === 'finish' && heard.end?.type === 'finish')
          expect(heard.end.usage).toEqual(said.end.usage);
      }),
      { numRuns: 300 },
    );
  });

  it('never lets a failed stream be read as a success', () => {
    fc.assert(
      fc.property(arbitraryFailedStream, (events) => {
        const decoder = new ChatStreamDecoder({ toolNames: new Map() });
        const heard = readStream(decodeBytes(decoder, Buffer.from(encode(events).text)));
        expect(heard.end).toMatchObject({ type: 'error', error: { kind: 'upstream', message: 'It broke' } });
      }),
    );
  });
});

function argument(json: string): StreamEvent {
  return { type: 'arguments-delta', json };
}
