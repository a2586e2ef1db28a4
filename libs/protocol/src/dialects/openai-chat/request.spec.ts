import fc from 'fast-check';
import type { Conversation } from '../../conversation';
import type { JsonObject } from '../../json';
import { decodeRequest } from './request';

const HELLO = { role: 'user', content: 'Hello' };

function decoded(body: JsonObject): Conversation {
  const result = decodeRequest({ model: 'gpt', messages: [HELLO], ...body });
  if (!result.ok) throw new Error(result.fault.message);
  return result.value;
}

function fault(body: JsonObject): { message: string; param?: string; code?: string } {
  const result = decodeRequest({ model: 'gpt', ...body });
  if (result.ok) throw new Error('expected a fault');
  return result.fault;
}

describe('decodeRequest', () => {
  it('takes a cache mark of a whole message for one behind its last part', () => {
    const mark = { cache_control: { type: 'ephemeral', ttl: '1h' } };
    const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };
    const { messages, unmapped } = decoded({
      messages: [
        { role: 'system', content: 'Be brief.', ...mark },
        { role: 'user', content: [{ type: 'text', text: 'Look.' }, image], ...mark },
        { ...assistantCalling('a'), ...mark },
        { role: 'tool', tool_call_id: 'a', content: 'done', ...mark },
        { role: 'user', content: [{ type: 'text', text: 'Own.', cache_control: { type: 'ephemeral' } }], ...mark },
      ],
    });
    const marks = messages.map(({ parts }) => parts.map(({ cache }) => cache));
    expect(marks).toEqual([[{ ttl: '1h' }], [undefined, { ttl: '1h' }], [{ ttl: '1h' }], [{ ttl: '1h' }], [{}]]);
    expect(unmapped).toEqual([]);
    // Nothing is there to mark.
    const { unmapped: left } = decoded({ messages: [HELLO, { role: 'user', content: '', ...mark }] });
    expect(left).toEqual([{ path: 'messages[1].cache_control', value: mark.cache_control }]);
  });

  it('takes the cache mark of a tool call', () => {
    const { messages, unmapped } = decoded({
      messages: [
        HELLO,
        {
          role: 'assistant',
          tool_calls: [
            { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } },
            { id: 'b', type: 'custom', custom: { name: 'g', input: '' }, cache_control: { type: 'ephemeral' } },
          ],
        },
      ],
    });
    expect(messages[1]?.parts.map(({ cache }) => cache)).toEqual([undefined, {}]);
    expect(unmapped).toEqual([]);
  });

  it.each<[string, JsonObject, string, string]>([
    ['no messages', {}, 'messages', "Missing required parameter: 'messages'."],
    ['messages of another type', { messages: 'hi' }, 'messages', 'expected an array of objects, but got a string'],
    ['no message', { messages: [] }, 'messages', 'empty array. Expected an array with minimum length 1'],
    ['an unknown role', { messages: [{ role: 'robot', content: '' }] }, 'messages[0].role', "Invalid value: 'robot'."],
    [
      'no role',
      { messages: [{ content: 'x' }] },
      'messages[0].role',
      "Missing required parameter: 'messages[0].role'.",
    ],
    ['a message that is no object', { messages: [HELLO, 7] }, 'messages[1]', 'expected an object, but got an integer'],
    ['no content', { messages: [{ role: 'user' }] }, 'messages[0].content', 'Missing required parameter'],
    ['content of another type', { messages: [{ role: 'user', content: 5 }] }, 'messages[0].content', 'an integer'],
    [
      'an unknown part',
      { messages: [{ role: 'user', content: [{ type: 'video_url' }] }] },
      'messages[0].content[0].type',
      "Supported values are: 'text', 'image_url', 'input_audio', and 'file'.",
    ],
    [
      'an image that is no URL',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'cat.png' } }] }] },
      'messages[0].content[0].image_url.url',
      'Expected a valid URL',
    ],
    [
      'a tool message that answers nothing',
      { messages: [HELLO, { role: 'tool', tool_call_id: 'a', content: 'x' }] },
      'messages[1].role',
      "must be a response to a preceding message with 'tool_calls'",
    ],
    [
      'a tool message without its call',
      { messages: [HELLO, assistantCalling('a'), { role: 'tool', content: 'x' }] },
      'messages[2].tool_call_id',
      "Missing required parameter: 'messages[2].tool_call_id'.",
    ],
    ['a number as text', { messages: [HELLO], temperature: 'hot' }, 'temperature', 'expected a decimal'],
    ['a fraction as count', { messages: [HELLO], max_tokens: 1.5 }, 'max_tokens', 'expected an integer'],
    ['a count of nothing', { messages: [HELLO], n: 0 }, 'n', 'Expected a value >= 1, but got 0 instead.'],
    ['stop of another type', { messages: [HELLO], stop: [1] }, 'stop', 'one of a string or array of strings'],
    ['an unknown tool', { messages: [HELLO], tools: [{ type: 'x' }] }, 'tools[0].type', "Invalid value: 'x'."],
    ['a tool without a name', { messages: [HELLO], tools: [tool({})] }, 'tools[0].function.name', 'Missing required'],
    ['an unknown choice', { messages: [HELLO], tool_choice: 'any' }, 'tool_choice', "Invalid value: 'any'."],
    [
      'a schema without a name',
      { messages: [HELLO], response_format: schema({}) },
      'response_format.json_schema.name',
      '',
    ],
  ])('refuses %s and names the parameter', (_, body, param, words) => {
    const found = fault(body);
    expect(found.param).toBe(param);
    expect(found.message).toContain(words);
  });

  it('refuses a request without a model', () => {
    expect(decodeRequest({ messages: [HELLO] })).toMatchObject({ ok: false, fault: { param: 'model' } });
  });

  it('reads every parameter, and treats null as absent', () => {
    const params: JsonObject = {
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      presence_penalty: 1,
      frequency_penalty: -1,
      seed: 7,
      logit_bias: { '50256': -100 },
      logprobs: true,
      top_logprobs: 3,
      max_completion_tokens: 100,
      stop: 'END',
      n: 2,
      reasoning_effort: 'low',
      verbosity: 'high',
      response_format: { type: 'json_object' },
      parallel_tool_calls: false,
      stream: true,
      stream_options: { include_usage: true },
      safety_identifier: 'someone',
      metadata: { a: 'b' },
      service_tier: 'flex',
      prompt_cache_key: 'key',
    };
    expect(decoded(params)).toEqual({
      model: 'gpt',
      messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }],
      tools: [],
      sampling: {
        temperature: 0.5,
        topP: 0.9,
        topK: 40,
        presencePenalty: 1,
        frequencyPenalty: -1,
        seed: 7,
        logitBias: { '50256': -100 },
        logprobs: true,
        topLogprobs: 3,
      },
      maxOutputTokens: 100,
      stopSequences: ['END'],
      replyCount: 2,
      reasoning: { mode: 'enabled', effort: 'low' },
      verbosity: 'high',
      outputFormat: { type: 'json-object' },
      parallelToolCalls: false,
      stream: true,
      includeUsage: true,
      endUser: 'someone',
      metadata: { a: 'b' },
      serviceTier: 'flex',
      promptCacheKey: 'key',
      unmapped: [],
    });
    const nulls = Object.fromEntries(Object.keys(params).map((name) => [name, null]));
    expect(decoded(nulls)).toEqual(decoded({}));
  });

  it('keeps what it has no place for, with its path', () => {
    const { unmapped } = decoded({
      store: true,
      prediction: { type: 'content', content: 'x' },
      stream_options: { include_obfuscation: false },
      tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [] } },
      messages: [{ ...HELLO, weather: 'fine', content: [{ type: 'text', text: 'a', weight: 2 }] }],
      tools: [{ ...tool({ name: 'f' }), extra: 1 }],
    });
    expect(unmapped.map(({ path }) => path).sort()).toEqual([
      'messages[0].content[0].weight',
      'messages[0].weather',
      'prediction',
      'store',
      'stream_options.include_obfuscation',
      'tool_choice.allowed_tools',
      'tools[0].extra',
    ]);
  });

  it('reads images, audio and files from data URLs, URLs and ids', () => {
    const [message] = decoded({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
            { type: 'image_url', image_url: { url: 'https://a.test/b.png' } },
            { type: 'input_audio', input_audio: { data: 'BBBB', format: 'wav' } },
            { type: 'file', file: { file_data: 'data:application/pdf;base64,CCCC', filename: 'a.pdf' } },
            { type: 'file', file: { file_data: 'data:text/plain;base64,aGk=' } },
            { type: 'file', file: { file_id: 'file-1' } },
          ],
        },
      ],
    }).messages;
    expect(message?.parts).toEqual([
      { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' }, detail: 'low' },
      { type: 'image', source: { type: 'url', url: 'https://a.test/b.png' } },
      { type: 'audio', data: 'BBBB', format: 'wav' },
      { type: 'document', source: { type: 'base64', mediaType: 'application/pdf', data: 'CCCC' }, title: 'a.pdf' },
      { type: 'document', source: { type: 'text', mediaType: 'text/plain', text: 'hi' } },
      { type: 'document', source: { type: 'file', fileId: 'file-1' } },
    ]);
  });

  it('makes one user message of consecutive tool messages, and leaves the next user message alone', () => {
    const { messages } = decoded({
      messages: [
        HELLO,
        { role: 'assistant', content: 'Looking', tool_calls: [call('a'), call('b')] },
        { role: 'tool', tool_call_id: 'a', content: '1' },
        { role: 'tool', tool_call_id: 'b', content: [{ type: 'text', text: '2' }] },
        { role: 'user', content: 'and?' },
      ],
    });
    expect(messages.slice(2)).toEqual([
      {
        role: 'user',
        parts: [
          { type: 'tool-result', callId: 'a', parts: [{ type: 'text', text: '1' }] },
          { type: 'tool-result', callId: 'b', parts: [{ type: 'text', text: '2' }] },
        ],
      },
      { role: 'user', parts: [{ type: 'text', text: 'and?' }] },
    ]);
  });

  it('reads legacy functions, their calls and their answers', () => {
    const { tools, toolChoice, messages } = decoded({
      functions: [{ name: 'f', parameters: { type: 'object' } }],
      function_call: { name: 'f' },
      messages: [
        HELLO,
        { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } },
        { role: 'function', name: 'f', content: 'done' },
      ],
    });
    expect(tools).toEqual([{ type: 'function', name: 'f', inputSchema: { type: 'object' } }]);
    expect(toolChoice).toEqual({ type: 'tool', name: 'f' });
    const [asked, answer] = messages.slice(1).map(({ parts }) => parts[0]);
    expect(asked).toMatchObject({ type: 'tool-call', name: 'f', arguments: '{}' });
    expect(answer).toMatchObject({ type: 'tool-result', callId: (asked as { id: string }).id });
  });

  it('reads roles, custom tools, refusals and the reasoning that compatible servers return', () => {
    const { messages, tools } = decoded({
      tools: [{ type: 'custom', custom: { name: 'patch', format: { type: 'text' } } }],
      messages: [
        { role: 'developer', content: 'Be brief' },
        { role: 'system', content: [{ type: 'text', text: 'Be kind' }] },
        { role: 'user', content: 'Hello', name: 'ann' },
        { role: 'assistant', content: 'No', refusal: 'I cannot', reasoning_content: 'Hmm' },
        { role: 'assistant', tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'patch', input: '***' } }] },
      ],
    });
    expect(tools).toEqual([{ type: 'custom', name: 'patch', format: { type: 'text' } }]);
    expect(messages).toEqual([
      { role: 'system', developer: true, parts: [{ type: 'text', text: 'Be brief' }] },
      { role: 'system', parts: [{ type: 'text', text: 'Be kind' }] },
      { role: 'user', name: 'ann', parts: [{ type: 'text', text: 'Hello' }] },
      {
        role: 'assistant',
        parts: [
          { type: 'thinking', text: 'Hmm' },
          { type: 'text', text: 'No' },
          { type: 'refusal', text: 'I cannot' },
        ],
      },
      { role: 'assistant', parts: [{ type: 'tool-call', id: 'c', name: 'patch', arguments: '***', custom: true }] },
    ]);
  });

  it('refuses nesting that would exhaust the stack of whoever writes it', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`) as JsonObject;
    expect(fault({ messages: [HELLO], metadata: deep }).message).toContain('nested deeper than 128 levels');
  });

  it('never throws, whatever the body', () => {
    const names = fc.constantFrom('messages', 'model', 'tools', 'tool_choice', 'stop', 'response_format', 'functions');
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.array(fc.dictionary(fc.constantFrom('role', 'content', 'type', 'tool_calls'), fc.jsonValue())),
    );
    fc.assert(
      fc.property(fc.dictionary(names, odd), (body) => {
        expect(typeof decodeRequest(body as JsonObject).ok).toBe('boolean');
      }),
    );
  });
});

function call(id: string): JsonObject {
  return { id, type: 'function', function: { name: 'f', arguments: '{}' } };
}

function assistantCalling(id: string): JsonObject {
  return { role: 'assistant', content: null, tool_calls: [call(id)] };
}

function tool(declared: JsonObject): JsonObject {
  return { type: 'function', function: declared };
}

function schema(declared: JsonObject): JsonObject {
  return { type: 'json_schema', json_schema: declared };
}
