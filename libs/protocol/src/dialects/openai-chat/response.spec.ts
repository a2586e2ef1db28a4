import fc from 'fast-check';
import { arbitraryReply } from '../../conversation.arbitrary';
import type { Part } from '../../conversation';
import type { EncodeContext } from '../../dialect';
import type { JsonObject } from '../../json';
import type { FinishReason, Reply } from '../../reply';
import { decodeReply, encodeReply } from './response';

const CONTEXT: EncodeContext = {
  model: 'openai/gpt-5',
  id: 'chatcmpl-1',
  createdAtSeconds: 1_700_000_000,
  includeUsage: true,
};
const NO_NAMES = { toolNames: new Map<string, string>() };

function decoded(message: JsonObject, choice: JsonObject = {}, context = {}): Reply {
  const body = { id: 'r', model: 'm', choices: [{ message, finish_reason: 'stop', ...choice }] };
  const reply = decodeReply(body, { ...NO_NAMES, ...context });
  if (!reply.ok) throw new Error(reply.fault.message);
  return reply.value;
}

describe('decodeReply', () => {
  it('reads thinking, text, refusal and calls in order, names restored', () => {
    const message: JsonObject = {
      role: 'assistant',
      content: 'Hi',
      refusal: 'but no',
      reasoning: 'Hmm',
      tool_calls: [
        { id: 'a', type: 'function', function: { name: 'short', arguments: '{"x":1}' } },
        { type: 'function', function: { name: 'g', arguments: { y: 2 } } },
      ],
    };
    expect(decoded(message, {}, { toolNames: new Map([['short', 'the long one']]) }).parts).toEqual([
      { type: 'thinking', text: 'Hmm' },
      { type: 'text', text: 'Hi' },
      { type: 'refusal', text: 'but no' },
      { type: 'tool-call', id: 'a', name: 'the long one', arguments: '{"x":1}' },
      { type: 'tool-call', id: 'call_r_1', name: 'g', arguments: '{"y":2}' },
    ]);
  });

  const aCall = { tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '' } }] };
  it.each<[string, JsonObject, FinishReason]>([
    ['stop', { content: 'x' }, 'stop'],
    ['length', { content: 'x' }, 'length'],
    ['tool_calls', aCall, 'tool-calls'],
    ['stop', aCall, 'tool-calls'],
    ['tool_calls', { content: 'no calls' }, 'stop'],
    ['content_filter', { content: '' }, 'refusal'],
    ['stop', { content: null, refusal: 'No' }, 'refusal'],
    ['', { content: 'x' }, 'stop'],
    ['', aCall, 'tool-calls'],
    ['eos_token', aCall, 'tool-calls'],
    ['load', { content: '' }, 'stop'],
    ['STOP', { content: 'x' }, 'stop'],
    ['model_length', { content: 'x' }, 'length'],
  ])('reads the end %j of %j as %s', (word, message, finish) => {
    expect(decoded(message, { finish_reason: word }).finish).toBe(finish);
  });

  it.each(['stop_reason', 'matched_stop'])('says which stop sequence hit where the server does (%s)', (name) => {
    const choice = { [name]: 'END' };
    expect(decoded({ content: 'x' }, choice, { stopSequences: ['END'] })).toMatchObject({
      finish: 'stop-sequence',
      stopSequence: 'END',
    });
    expect(decoded({ content: 'x' }, { stop_reason: 128001 }, { stopSequences: ['END'] }).finish).toBe('stop');
  });

  it.each<[string, JsonObject]>([
    ['alone, in place of a list', { tool_calls: { id: 7, function: { name: 'f', arguments: { x: 1 } } } }],
    ['as the legacy function_call', { function_call: { name: 'f', arguments: { x: 1 } } }],
  ])('reads a call %s', (_, message) => {
    expect(decoded({ role: 'assistant', content: null, reasoning_content: '', ...message }).parts).toMatchObject([
      { type: 'tool-call', name: 'f', arguments: '{"x":1}' },
    ]);
  });

  it('keeps an unknown end, further choices and unknown members as unmapped', () => {
    const reply = decodeReply(
      { choices: [{ message: { content: 'a', annotations: [1], audio: null }, finish_reason: 'bored' }, {}] },
      NO_NAMES,
    );
    expect(reply.ok && reply.value.unmapped.map(({ path }) => path)).toEqual([
      'choices[1]',
      'choices[0].message.annotations',
      'choices[0].finish_reason',
    ]);
  });

  it.each<[string, JsonObject, string]>([
    ['an error in a 200', { error: { message: 'No credit', code: 402 } }, 'No credit'],
    ['no choices', { choices: [] }, 'without a message'],
    [
      'a reply that was given up',
      { choices: [{ message: { content: 'Hal' }, finish_reason: 'abort' }] },
      'gave the reply up',
    ],
    ['a choice without a message', { choices: [{}] }, 'without a message'],
    ['content that is no text', { choices: [{ message: { content: 5 } }] }, 'expected a string'],
  ])('takes %s for a fault', (_, body, words) => {
    const reply = decodeReply(body, NO_NAMES);
    expect(reply.ok ? '' : reply.fault.message).toContain(words);
  });
});

describe('encodeReply', () => {
  it('writes a whole chat.completion', () => {
    const reply: Reply = {
      id: '',
      model: 'upstream',
      parts: [
        { type: 'thinking', text: 'Hmm' },
        { type: 'text', text: 'Hi' },
        { type: 'tool-call', id: 'a', name: 'f', arguments: '' },
      ],
      finish: 'tool-calls',
      usage: {
        inputTokens: 3,
        cacheReadTokens: 2,
        cacheWrite5mTokens: 0,
        cacheWrite1hTokens: 0,
        outputTokens: 4,
        reasoningTokens: 1,
      },
      unmapped: [],
    };
    expect(encodeReply(reply, { ...CONTEXT, costUsd: () => 0.25 })).toEqual({
      losses: [],
      body: {
        id: 'chatcmpl-1',
        object: 'chat.completion',
        created: 1_700_000_000,
        model: 'openai/gpt-5',
        choices: [
          {
            index: 0,
            message: {
              role: 'assistant',
              content: 'Hi',
              refusal: null,
              reasoning_content: 'Hmm',
              tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
            },
            logprobs: null,
            finish_reason: 'tool_calls',
          },
        ],
        usage: {
          prompt_tokens: 5,
          completion_tokens: 4,
          total_tokens: 9,
          prompt_tokens_details: { cached_tokens: 2, cache_write_tokens: 0 },
          completion_tokens_details: { reasoning_tokens: 1 },
          cost_usd: 0.25,
        },
      },
    });
  });

  it('comes back the same but for the losses it reported', () => {
    fc.assert(
      fc.property(arbitraryReply, (reply) => {
        const { body, losses } = encodeReply(reply, CONTEXT);
        const lost = new Set(losses.map(({ feature }) => feature));
        const context = {
          ...NO_NAMES,
          ...(reply.stopSequence !== undefined && { stopSequences: [reply.stopSequence] }),
        };
        const back = decodeReply(JSON.parse(JSON.stringify(body)) as JsonObject, context);
        expect(back).toEqual({ ok: true, value: expectedReply(reply, lost) });
      }),
      { numRuns: 500 },
    );
  });
});

/** One text, calls last, the end told by what is there; signatures and redacted thinking gone where reported. */
function expectedReply(reply: Reply, lost: ReadonlySet<string>): Reply {
  const joined = (type: 'thinking' | 'text'): Part[] => {
    const texts = reply.parts.flatMap((part) => (part.type === type ? [part.text] : []));
    return texts.length === 0 ? [] : [{ type, text: texts.join('') }];
  };
  const calls = reply.parts
    .filter((part) => part.type === 'tool-call')
    .map((part) => (part.arguments === '' ? { ...part, arguments: '{}' } : part));
  const kept = reply.parts.filter(
    (part) =>
      (part.type === 'redacted-thinking' && !lost.has('redacted_thinking')) ||
      (part.type === 'thinking' && part.signature !== undefined && !lost.has('thinking.signature')),
  );
  const { stopSequence, ...rest } = reply;
  const finish = finishFromChat(reply.finish, calls.length > 0, lost);
  return {
    ...rest,
    model: CONTEXT.model,
    parts: [...kept, ...joined('thinking'), ...joined('text'), ...calls],
    finish,
    ...(finish === 'stop-sequence' && { stopSequence }),
  };
}

function finishFromChat(finish: FinishReason, hasCalls: boolean, lost: ReadonlySet<string>): FinishReason {
  switch (finish) {
    case 'stop':
    case 'stop-sequence':
      return hasCalls ? 'tool-calls' : finish;
    case 'tool-calls':
      return hasCalls ? 'tool-calls' : 'stop';
    case 'pause':
      if (!lost.has('stop_reason.pause_turn')) return 'pause';
      return hasCalls ? 'tool-calls' : 'stop';
    case 'context-window':
      return lost.has('stop_reason.model_context_window_exceeded') ? 'length' : finish;
    case 'length':
    case 'refusal':
      return finish;
  }
}
