import { features, TARGET, translateReply, translateRequest } from './__fixtures__/translate';
import { anthropicMessages } from './dialects/anthropic-messages/dialect';
import { openaiChat } from './dialects/openai-chat/dialect';
import type { JsonObject, JsonValue } from './json';

const LONG_NAME = 'mcp__server__'.padEnd(90, 'x');

/** What a Chat upstream gets of an Anthropic client's request. */
function toChat(body: JsonObject) {
  const request = { model: 'm', max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }], ...body };
  const { body: sent, losses, toolNames } = translateRequest(anthropicMessages, openaiChat, request);
  return { sent, messages: sent.messages as JsonObject[], lost: features(losses), toolNames };
}

/** What an Anthropic upstream gets of a Chat client's request. */
function toAnthropic(body: JsonObject) {
  const request = { model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...body };
  const { body: sent, losses, toolNames } = translateRequest(openaiChat, anthropicMessages, request);
  return { sent, messages: sent.messages as JsonObject[], lost: features(losses), toolNames };
}

describe('translation fidelity', () => {
  it('user image: base64 and URL, a URL stays one', () => {
    const source = { type: 'base64', media_type: 'image/png', data: 'AAAA' };
    const url = { type: 'url', url: 'https://a.test/b.png' };
    const anthropic = [user({ type: 'image', source }, { type: 'image', source: url })];
    const chat = [user(imageUrl('data:image/png;base64,AAAA'), imageUrl('https://a.test/b.png'))];
    expect(toChat({ messages: anthropic }).messages).toEqual(chat);
    expect(toAnthropic({ messages: chat }).messages).toEqual(anthropic);
  });

  it('document: PDF as file part with its title, text as text with its title', () => {
    const pdf = { type: 'base64', media_type: 'application/pdf', data: 'AAAA' };
    const file = { type: 'file', file: { filename: 'Q3.pdf', file_data: 'data:application/pdf;base64,AAAA' } };
    expect(toChat({ messages: [user({ type: 'document', source: pdf, title: 'Q3.pdf' })] }).messages).toEqual([
      user(file),
    ]);
    expect(toAnthropic({ messages: [user(file)] }).messages).toEqual([
      user({ type: 'document', source: pdf, title: 'Q3.pdf' }),
    ]);
    const text = { type: 'text', media_type: 'text/plain', data: 'Body' };
    expect(toChat({ messages: [user({ type: 'document', source: text, title: 'Notes' })] }).messages).toEqual([
      { role: 'user', content: '[document: Notes]\nBody' },
    ]);
  });

  it('document: refused by name where the upstream takes none', () => {
    const document = {
      type: 'document',
      source: { type: 'base64', media_type: 'application/pdf', data: 'A' },
      title: 'Q3',
    };
    const request = { model: 'm', max_tokens: 1, messages: [user(document)] };
    expect(() => translateRequest(anthropicMessages, openaiChat, request, { ...TARGET, documents: false })).toThrow(
      "The document 'Q3' cannot be sent",
    );
  });

  it('image in a tool result, is_error, parallel results, then text: each in its place, and back again', () => {
    const source = { type: 'base64', media_type: 'image/png', data: 'AAAA' };
    const asked = [
      { role: 'assistant', content: [text('Reading'), toolUse('a'), toolUse('b')] },
      user(
        { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'image', source }, text('shot.png')] },
        { type: 'tool_result', tool_use_id: 'b', content: [text('No such file')], is_error: true },
        text('Go on'),
      ),
    ];
    const { messages, lost } = toChat({ messages: asked });
    expect(messages).toEqual([
      { role: 'assistant', content: 'Reading', tool_calls: [toolCall('a'), toolCall('b')] },
      { role: 'tool', tool_call_id: 'a', content: 'shot.png' },
      { role: 'tool', tool_call_id: 'b', content: '[tool result is an error]\nNo such file' },
      user(text('[attachment of tool result a, part 1]'), imageUrl('data:image/png;base64,AAAA'), text('Go on')),
    ]);
    expect(lost).toEqual([]);
    expect(toAnthropic({ messages }).messages).toEqual([
      asked[0],
      user(
        { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'image', source }, text('shot.png')] },
        { type: 'tool_result', tool_use_id: 'b', content: [text('No such file')], is_error: true },
        text('Go on'),
      ),
    ]);
  });

  it('thinking, its signature and redacted thinking in history: lost, each by name', () => {
    const content = [
      { type: 'thinking', thinking: 'Hm', signature: 's' },
      { type: 'redacted_thinking', data: 'x' },
      text('A'),
    ];
    const { messages, lost } = toChat({ messages: [{ role: 'assistant', content }] });
    expect(messages).toEqual([{ role: 'assistant', content: 'A' }]);
    expect(lost).toEqual(['thinking', 'thinking.signature', 'redacted_thinking']);
  });

  it('effort: to reasoning_effort and back', () => {
    const { sent, lost } = toChat({ thinking: { type: 'adaptive' }, output_config: { effort: 'high' } });
    expect([sent.reasoning_effort, lost]).toEqual(['high', []]);
    expect(toAnthropic({ reasoning_effort: 'high' }).sent).toMatchObject({
      thinking: { type: 'adaptive' },
      output_config: { effort: 'high' },
    });
    expect(toChat({ thinking: { type: 'enabled', budget_tokens: 2000 }, max_tokens: 4000 })).toMatchObject({
      sent: { reasoning_effort: 'low' },
      lost: ['thinking.budget_tokens'],
    });
  });

  it('structured output: the schema unchanged, strict only if asked', () => {
    const schema = {
      $schema: 'https://json-schema.org',
      type: 'object',
      properties: { a: { type: 'integer', minimum: 3 } },
    };
    const { sent } = toChat({ output_config: { format: { type: 'json_schema', schema } } });
    expect(sent.response_format).toEqual({ type: 'json_schema', json_schema: { name: 'response', schema } });
    expect(toAnthropic({ response_format: sent.response_format as JsonValue }).sent.output_config).toEqual({
      format: { type: 'json_schema', schema },
    });
  });

  it('tool_choice and parallel calls: carried both ways', () => {
    const tools = [{ name: 'f', input_schema: { type: 'object' } }];
    const { sent } = toChat({ tools, tool_choice: { type: 'any', disable_parallel_tool_use: true } });
    expect(sent).toMatchObject({ tool_choice: 'required', parallel_tool_calls: false });
    const chat = { tools: sent.tools as JsonValue, tool_choice: { type: 'function', function: { name: 'f' } } };
    expect(toAnthropic({ ...chat, parallel_tool_calls: false }).sent).toMatchObject({
      tools,
      tool_choice: { type: 'tool', name: 'f', disable_parallel_tool_use: true },
    });
    expect(toChat({ tools: [] }).sent).not.toHaveProperty('tools');
  });

  it('stop_sequences, top_p, top_k: carried, or reported where unsupported', () => {
    const { sent, lost } = toChat({ stop_sequences: ['END'], top_p: 0.5, top_k: 5 });
    expect(sent).toMatchObject({ stop: ['END'], top_p: 0.5 });
    expect(lost).toEqual(['top_k']);
    expect(toAnthropic({ stop: 'END', top_p: 0.5 }).sent).toMatchObject({ stop_sequences: ['END'], top_p: 0.5 });
  });

  it('which stop sequence hit: told both ways', () => {
    const hit = { ...anthropicReply([text('x')]), stop_reason: 'stop_sequence', stop_sequence: 'END' };
    const { body } = translateReply(anthropicMessages, openaiChat, hit);
    expect(body.choices).toMatchObject([{ finish_reason: 'stop', stop_reason: 'END' }]);
    const told = openaiChat.decodeReply(body, { toolNames: new Map(), stopSequences: ['END'] });
    expect(told).toMatchObject({ ok: true, value: { finish: 'stop-sequence', stopSequence: 'END' } });
  });

  it.each([
    [
      'Chat',
      () => toChat({ tools: [{ name: LONG_NAME, input_schema: { type: 'object' } }] }),
      openaiChat,
      anthropicMessages,
    ],
    [
      'Anthropic',
      () => toAnthropic({ tools: [{ type: 'function', function: { name: LONG_NAME } }] }),
      anthropicMessages,
      openaiChat,
    ],
  ])('tool name the %s upstream refuses: short there, its own for the client', (_, send, upstream, client) => {
    const { sent, toolNames } = send();
    const [short = ''] = toolNames.keys();
    expect(short.length).toBeLessThanOrEqual(64);
    expect(JSON.stringify(sent.tools)).toContain(`"${short}"`);
    const reply =
      upstream === openaiChat
        ? chatReply({ content: null, tool_calls: [toolCall('a', short)] }, 'tool_calls')
        : anthropicReply([toolUse('a', short)]);
    expect(JSON.stringify(translateReply(upstream, client, reply, toolNames).body)).toContain(`"name":"${LONG_NAME}"`);
  });

  it('system in the middle: keeps its place', () => {
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'system', content: 'b' },
      { role: 'user', content: 'c' },
    ];
    expect(toChat({ system: 'Head', messages }).messages).toEqual([{ role: 'system', content: 'Head' }, ...messages]);
    expect(toAnthropic({ messages }).messages).toEqual(messages);
  });

  it('refusal and content filter: both ways', () => {
    const filtered = translateReply(openaiChat, anthropicMessages, chatReply({ content: 'So' }, 'content_filter')).body;
    expect(filtered.stop_reason).toBe('refusal');
    const refused = translateReply(openaiChat, anthropicMessages, chatReply({ refusal: 'I cannot' }, 'stop')).body;
    expect(refused).toMatchObject({ stop_reason: 'refusal', content: [{ type: 'text', text: 'I cannot' }] });
    const reply = { ...anthropicReply([text('So')]), stop_reason: 'refusal' };
    expect(translateReply(anthropicMessages, openaiChat, reply).body.choices).toMatchObject([
      { finish_reason: 'content_filter', message: { content: 'So' } },
    ]);
  });

  it('cache_control: a loss per place towards Chat', () => {
    const marked = { type: 'text', text: 'x', cache_control: { type: 'ephemeral' } };
    const tools = [{ name: 'f', input_schema: { type: 'object' }, cache_control: { type: 'ephemeral' } }];
    expect(toChat({ system: [marked], tools }).lost).toEqual(['cache_control', 'cache_control']);
  });

  it('server tools: refused by name', () => {
    const tools = [{ type: 'web_search_20250305', name: 'web_search' }];
    expect(() => toChat({ tools })).toThrow("Tool 'web_search'");
    expect(() => toAnthropic({ web_search_options: {} })).toThrow('web_search_options');
  });

  it.each([
    ['no arguments', '', {}],
    ['an object', '{"a":1}', { a: 1 }],
    ['no object', '[1]', { value: [1] }],
    ['cut off', '{"a":', { raw: '{"a":' }],
  ])('arguments of a call, %s: a JSON object out, the stop reason true', (_, written, input) => {
    const call = { id: 'a', type: 'function', function: { name: 'f', arguments: written } };
    const { body } = translateReply(openaiChat, anthropicMessages, chatReply({ tool_calls: [call] }, 'length'));
    expect(body).toMatchObject({ stop_reason: 'max_tokens', content: [{ type: 'tool_use', input }] });
  });

  it('usage: cached, cache-write and reasoning tokens counted once', () => {
    const usage = {
      input_tokens: 10,
      cache_read_input_tokens: 20,
      cache_creation_input_tokens: 30,
      cache_creation: { ephemeral_5m_input_tokens: 25, ephemeral_1h_input_tokens: 5 },
      output_tokens: 7,
    };
    const chat = translateReply(anthropicMessages, openaiChat, { ...anthropicReply([text('x')]), usage }).body.usage;
    expect(chat).toMatchObject({ prompt_tokens: 60, completion_tokens: 7, total_tokens: 67 });
    const back = translateReply(openaiChat, anthropicMessages, {
      ...chatReply({ content: 'x' }, 'stop'),
      usage: chat as JsonObject,
    });
    expect(back.body.usage).toEqual(usage);
  });

  it('unknown fields and blocks: a loss with its path', () => {
    const anthropic = toChat({ safeguards: [{}], messages: [user({ type: 'hologram' }, text('x'))] });
    expect(anthropic.lost).toEqual(['block.hologram', 'field.safeguards']);
    expect(toAnthropic({ store: true, prediction: {} }).lost).toEqual(['field.store', 'field.prediction']);
  });

  it('deferred tools and the reference that loads one: the tool is there, the model is told', () => {
    const tools = [{ name: 'f', input_schema: { type: 'object' }, defer_loading: true }];
    const content = [{ type: 'tool_reference', tool_name: 'f' }];
    const messages = [
      { role: 'assistant', content: [toolUse('a')] },
      user({ type: 'tool_result', tool_use_id: 'a', content }),
    ];
    const { sent, lost } = toChat({ tools, messages });
    expect(sent.tools).toHaveLength(1);
    expect((sent.messages as JsonObject[])[1]).toEqual({
      role: 'tool',
      tool_call_id: 'a',
      content: '[tool loaded: f]',
    });
    expect(lost).toEqual(['defer_loading']);
  });
});

function user(...content: JsonObject[]): JsonObject {
  return { role: 'user', content };
}

function text(content: string): JsonObject {
  return { type: 'text', text: content };
}

function imageUrl(url: string): JsonObject {
  return { type: 'image_url', image_url: { url } };
}

function toolUse(id: string, name = 'f'): JsonObject {
  return { type: 'tool_use', id, name, input: {} };
}

function toolCall(id: string, name = 'f'): JsonObject {
  return { id, type: 'function', function: { name, arguments: '{}' } };
}

function anthropicReply(content: JsonObject[]): JsonObject {
  const usage = { input_tokens: 1, output_tokens: 1 };
  return { id: 'msg', type: 'message', role: 'assistant', model: 'm', content, stop_reason: 'end_turn', usage };
}

function chatReply(message: JsonObject, finishReason: string): JsonObject {
  const choice = { index: 0, message: { role: 'assistant', ...message }, finish_reason: finishReason };
  return { id: 'chatcmpl', object: 'chat.completion', model: 'm', choices: [choice] };
}
