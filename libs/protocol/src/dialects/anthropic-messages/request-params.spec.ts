import type { Conversation, Message, Part, Tool } from '../../conversation';
import type { RequestTarget } from '../../dialect';
import type { JsonObject } from '../../json';
import { anthropicMessages } from './dialect';

const target: RequestTarget = {
  model: 'up',
  maxOutputTokens: 8192,
  vision: true,
  documents: true,
  reasoning: true,
  customTools: true,
};
const user = (...parts: Part[]): Message => ({ role: 'user', parts });
const assistant = (...parts: Part[]): Message => ({ role: 'assistant', parts });
const text = (words: string): Part => ({ type: 'text', text: words });
const call = (id: string, args = '{}', name = 'f'): Part => ({ type: 'tool-call', id, name, arguments: args });
const result = (callId: string): Part => ({ type: 'tool-result', callId, parts: [text('ok')] });
const fn = (name: string): Tool => ({ type: 'function', name, inputSchema: { type: 'object' } });

function encode(overrides: Partial<Conversation>, to = target) {
  const conversation: Conversation = {
    model: 'm',
    messages: [user(text('Hi'))],
    tools: [],
    sampling: {},
    stream: false,
    unmapped: [],
    ...overrides,
  };
  return anthropicMessages.encodeRequest(conversation, to);
}

function sent(
  overrides: Partial<Conversation>,
  to = target,
): { body: JsonObject; features: string[]; toolNames: ReadonlyMap<string, string> } {
  const encoded = encode(overrides, to);
  if (!encoded.ok) throw new Error(encoded.fault.message);
  return { body: encoded.body, features: encoded.losses.map(({ feature }) => feature), toolNames: encoded.toolNames };
}

describe('encodeRequest of Anthropic Messages, parameters', () => {
  it.each<[string, Partial<Conversation>, JsonObject, string[]]>([
    [
      'an effort with reasoning on',
      { reasoning: { mode: 'enabled', effort: 'high' } },
      { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } },
      [],
    ],
    ['an effort alone', { reasoning: { effort: 'low' } }, { output_config: { effort: 'low' } }, []],
    [
      'the least effort',
      { reasoning: { effort: 'minimal' } },
      { output_config: { effort: 'low' } },
      ['reasoning_effort'],
    ],
    ['reasoning off', { reasoning: { mode: 'disabled' } }, { thinking: { type: 'disabled' } }, []],
    [
      'a budget',
      { reasoning: { mode: 'enabled', budgetTokens: 2000 } },
      { thinking: { type: 'enabled', budget_tokens: 2000 } },
      [],
    ],
    [
      'a budget above max_tokens',
      { reasoning: { mode: 'enabled', budgetTokens: 9000 } },
      { thinking: { type: 'enabled', budget_tokens: 8191 } },
      ['thinking.budget_tokens'],
    ],
    [
      'a budget where max_tokens leaves no room',
      { maxOutputTokens: 100, reasoning: { mode: 'enabled', budgetTokens: 2000 } },
      {},
      ['thinking'],
    ],
    [
      'thinking beside a forced tool',
      { tools: [fn('f')], toolChoice: { type: 'required' }, reasoning: { mode: 'adaptive' } },
      { tool_choice: { type: 'any' } },
      ['thinking'],
    ],
    [
      'a summary',
      { reasoning: { mode: 'adaptive', display: 'auto' } },
      { thinking: { type: 'adaptive', display: 'summarized' } },
      [],
    ],
    [
      'temperature beside thinking',
      { reasoning: { mode: 'adaptive' }, sampling: { temperature: 0.2, topK: 3, topP: 0.5 } },
      { thinking: { type: 'adaptive' } },
      ['temperature', 'top_p', 'top_k'],
    ],
    ['temperature above 1', { sampling: { temperature: 1.7 } }, { temperature: 1 }, ['temperature']],
    ['temperature and top_p', { sampling: { temperature: 0.2, topP: 0.5 } }, { temperature: 0.2 }, ['top_p']],
    ['temperature and a top_p of 1', { sampling: { temperature: 0.2, topP: 1 } }, { temperature: 0.2 }, []],
    ['top_p and a temperature of 1', { sampling: { temperature: 1, topP: 0.5 } }, { top_p: 0.5 }, []],
    ['blank stop sequences', { stopSequences: ['\n', 'END'] }, { stop_sequences: ['END'] }, ['stop_sequences']],
    [
      'a schema',
      { outputFormat: { type: 'json-schema', schema: { a: 1 }, name: 'n', strict: true } },
      { output_config: { format: { type: 'json_schema', schema: { a: 1 } } } },
      ['response_format.name'],
    ],
    ['an end user', { endUser: 'u' }, { metadata: { user_id: 'u' } }, []],
    ['the default tier', { serviceTier: 'default' }, { service_tier: 'standard_only' }, []],
    ['another tier', { serviceTier: 'flex' }, {}, ['service_tier']],
  ])('sends %s', (_what, overrides, params, losses) => {
    const { body, features } = sent(overrides);
    const { model: _model, max_tokens: _max, messages: _messages, tools: _tools, ...rest } = body;
    expect(rest).toEqual(params);
    expect(features.sort()).toEqual([...losses].sort());
  });

  it('asks for JSON in words where only JSON mode was asked for, and reports that it is no guarantee', () => {
    const { body, features } = sent({ outputFormat: { type: 'json-object' } });
    expect(body['system']).toMatch(/JSON object/);
    expect(features).toEqual(['response_format.json_object']);
  });

  it('drops a thinking budget where the turn to continue carries no signed thinking', () => {
    const messages = [user(text('Hi')), assistant(call('a')), user(result('a'))];
    const reasoning = { mode: 'enabled', budgetTokens: 2000 } as const;
    expect(sent({ messages, reasoning }).features).toEqual(['thinking']);
    const signed = [
      user(text('Hi')),
      assistant({ type: 'thinking', text: 'x', signature: 's', signedBy: 'anthropic-messages' }, call('a')),
      user(result('a')),
    ];
    expect(sent({ messages: signed, reasoning }).body['thinking']).toEqual({ type: 'enabled', budget_tokens: 2000 });
  });

  it('asks no model to reason that cannot', () => {
    expect(sent({ reasoning: { mode: 'enabled', effort: 'high' } }, { ...target, reasoning: false }).features).toEqual([
      'thinking',
      'reasoning_effort',
    ]);
    expect(sent({ reasoning: { mode: 'disabled' } }, { ...target, reasoning: false }).features).toEqual([]);
  });

  it('reports every parameter and field it has no place for, and none at its default', () => {
    const { features } = sent({
      sampling: {
        presencePenalty: 1,
        frequencyPenalty: 1,
        seed: 0,
        logitBias: { '1': 2 },
        logprobs: true,
        topLogprobs: 2,
      },
      verbosity: 'low',
      metadata: { a: 'b' },
      promptCacheKey: 'k',
      unmapped: [{ path: 'store', value: true }],
      messages: [{ role: 'user', name: 'Ann', parts: [text('Hi')], unmapped: [{ path: 'messages[0].odd', value: 1 }] }],
    });
    expect(features).toEqual([
      'message.name',
      'field.odd',
      'presence_penalty',
      'frequency_penalty',
      'seed',
      'logit_bias',
      'logprobs',
      'top_logprobs',
      'verbosity',
      'metadata',
      'prompt_cache_key',
      'field.store',
    ]);
    expect(
      sent({
        sampling: { presencePenalty: 0, frequencyPenalty: 0, logitBias: {}, logprobs: false },
        metadata: {},
        replyCount: 1,
      }).features,
    ).toEqual([]);
  });
});
