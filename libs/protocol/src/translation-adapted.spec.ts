import { TARGET, throughJson } from './__fixtures__/translate';
import { adaptConversation, adaptReply, streamAdapter, type Adaptation } from './adaptations/adapt';
import type { AdaptationTarget } from './adaptations/change';
import type { Dialect, EncodeContext } from './dialect';
import { anthropicMessages } from './dialects/anthropic-messages/dialect';
import { openaiChat } from './dialects/openai-chat/dialect';
import { openaiResponses } from './dialects/openai-responses/dialect';
import type { JsonObject } from './json';
import { formatLosses, type Loss } from './loss';
import { SseDecoder } from './sse/decoder';

const SHOWN: EncodeContext = { model: 'shown/model', id: 'made-up', createdAtSeconds: 1, includeUsage: false };
const FUNCTIONS_ONLY: AdaptationTarget = { customTools: false, tools: 'native', structuredOutputs: true };
const EMULATED: AdaptationTarget = { ...FUNCTIONS_ONLY, tools: 'emulated' };

interface Sent {
  body: JsonObject;
  losses: string;
  toolNames: ReadonlyMap<string, string>;
  adaptation: Adaptation;
}

function send(client: Dialect, upstream: Dialect, body: JsonObject, target: AdaptationTarget): Sent {
  const decoded = client.decodeRequest(body);
  if (!decoded.ok) throw new Error(decoded.fault.message);
  const adapted = adaptConversation(decoded.value, target);
  if (!adapted.ok || adapted.adaptation === undefined) throw new Error('not adapted');
  const encoded = upstream.encodeRequest(adapted.conversation, TARGET);
  if (!encoded.ok) throw new Error(encoded.fault.message);
  const losses: Loss[] = [...adapted.losses, ...encoded.losses];
  const { toolNames } = encoded;
  return { body: throughJson(encoded.body), losses: formatLosses(losses), toolNames, adaptation: adapted.adaptation };
}

function replied(upstream: Dialect, client: Dialect, body: JsonObject, { toolNames, adaptation }: Sent): JsonObject {
  const decoded = upstream.decodeReply(body, { toolNames });
  if (!decoded.ok) throw new Error(decoded.fault.message);
  const adapted = adaptReply(decoded.value, adaptation);
  if (!adapted.ok) throw new Error(adapted.fault.message);
  return throughJson(client.encodeReply(adapted.value, SHOWN).body);
}

/** What the client gets of an upstream's stream. */
function streamed(upstream: Dialect, client: Dialect, bytes: string, { toolNames, adaptation }: Sent): string {
  const sse = new SseDecoder();
  const decoder = upstream.streamDecoder({ toolNames });
  const adapter = streamAdapter(adaptation);
  const encoder = client.streamEncoder(SHOWN);
  let text = '';
  for (const event of sse.push(Buffer.from(bytes))) {
    for (const canonical of decoder.push(event)) {
      for (const adapted of adapter.push(canonical)) text += encoder.push(adapted);
    }
  }
  return text;
}

const events = (...all: (JsonObject & { type: string })[]): string =>
  all.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');

const chunk = (delta: JsonObject, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

const dataOf = (text: string): JsonObject[] =>
  [...text.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => JSON.parse(json ?? '') as JsonObject);

describe('a Chat client’s free-text tool at an Anthropic upstream', () => {
  const tool = {
    type: 'custom',
    custom: {
      ...{ name: 'apply_patch', description: 'Edits files.' },
      format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'start: "x"' } },
    },
  };
  const earlier = { id: 'call_1', type: 'custom', custom: { name: 'apply_patch', input: '*** Begin\n"x"' } };
  const sent = send(
    openaiChat,
    anthropicMessages,
    {
      model: 'm',
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', tool_calls: [earlier] },
        { role: 'tool', tool_call_id: 'call_1', content: 'done' },
      ],
      tools: [tool],
      tool_choice: { type: 'custom', custom: { name: 'apply_patch' } },
    },
    FUNCTIONS_ONLY,
  );

  it('is sent as a function of one text', () => {
    expect(sent.body).toMatchObject({
      messages: [
        {},
        {
          role: 'assistant',
          content: [{ type: 'tool_use', id: 'call_1', name: 'apply_patch', input: { input: '*** Begin\n"x"' } }],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1' }] },
      ],
      tools: [{ name: 'apply_patch', input_schema: { required: ['input'] } }],
      tool_choice: { type: 'tool', name: 'apply_patch' },
    });
    expect(sent.losses).toBe('custom_tool.format;n=1');
  });

  it('is called in free text', () => {
    const content = [{ type: 'tool_use', id: 'toolu_1', name: 'apply_patch', input: { input: 'a\n"b"' } }];
    const body = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content, stop_reason: 'tool_use' };
    expect(replied(anthropicMessages, openaiChat, body, sent)).toMatchObject({
      choices: [
        {
          message: {
            tool_calls: [{ id: 'toolu_1', type: 'custom', custom: { name: 'apply_patch', input: 'a\n"b"' } }],
          },
          finish_reason: 'tool_calls',
        },
      ],
    });
  });

  it('is called in free text in a stream, a piece at a time', () => {
    const block = { type: 'tool_use', id: 'toolu_1', name: 'apply_patch', input: {} };
    const pieces = ['', '{"inp', 'ut": "a\\', 'n\\"b', '\\""}'];
    const bytes = events(
      { type: 'message_start', message: { id: 'msg_1', model: 'm', usage: { input_tokens: 1, output_tokens: 1 } } },
      { type: 'content_block_start', index: 0, content_block: block },
      ...pieces.map((json) => ({
        ...{ type: 'content_block_delta', index: 0 },
        delta: { type: 'input_json_delta', partial_json: json },
      })),
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 5 } },
      { type: 'message_stop' },
    );
    const calls = dataOf(streamed(anthropicMessages, openaiChat, bytes, sent))
      .map(({ choices }) => (choices as { delta: { tool_calls?: JsonObject[] } }[])[0]?.delta.tool_calls?.[0])
      .filter((call) => call !== undefined);
    expect(calls).toEqual([
      { index: 0, id: 'toolu_1', type: 'custom', custom: { name: 'apply_patch', input: '' } },
      ...['a', '\n"b', '"'].map((input) => ({ index: 0, custom: { input } })),
    ]);
  });
});

describe('an Anthropic client’s tools at a Chat upstream whose model has none', () => {
  const input_schema = { type: 'object', properties: { city: { type: 'string' } } };
  const sent = send(
    anthropicMessages,
    openaiChat,
    {
      ...{ model: 'm', max_tokens: 100, system: 'Be kind.', tools: [{ name: 'get_weather', input_schema }] },
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      messages: [
        { role: 'user', content: 'Pune?' },
        {
          role: 'assistant',
          content: [{ type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { city: 'Pune' } }],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'Sun' }] },
      ],
    },
    EMULATED,
  );
  const written = '{"text":"I look.","tool_calls":[{"name":"get_weather","arguments":{"city":"Goa"}}]}';

  it('are words and a schema', () => {
    for (const gone of ['tools', 'tool_choice', 'parallel_tool_calls']) expect(sent.body).not.toHaveProperty(gone);
    expect(sent.body.messages).toMatchObject([
      { role: 'system', content: [{ text: 'Be kind.' }, { text: expect.stringContaining('"get_weather"') as string }] },
      { role: 'user', content: 'Pune?' },
      {
        role: 'assistant',
        content: '{"text":"","tool_calls":[{"id":"toolu_1","name":"get_weather","arguments":{"city":"Pune"}}]}',
      },
      { role: 'user', content: 'Result of the tool call toolu_1:\nSun' },
    ]);
    expect(sent.body.response_format).toMatchObject({
      type: 'json_schema',
      json_schema: { schema: { properties: { tool_calls: { minItems: 1, maxItems: 1 } } } },
    });
    expect(sent.losses).toBe('');
  });

  const content = [
    { type: 'text', text: 'I look.' },
    { type: 'tool_use', id: 'call_chatcmpl-1_1', name: 'get_weather', input: { city: 'Goa' } },
  ];

  it('are called', () => {
    const message = { role: 'assistant', content: written };
    const body = { id: 'chatcmpl-1', model: 'm', choices: [{ index: 0, message, finish_reason: 'stop' }] };
    expect(replied(openaiChat, anthropicMessages, body, sent)).toMatchObject({ content, stop_reason: 'tool_use' });
  });

  it('are called in a stream, text first and as it comes', () => {
    const pieces = (written.match(/.{1,11}/g) ?? []).map((text) => chunk({ content: text }));
    const bytes = `${pieces.join('')}${chunk({}, 'stop')}data: [DONE]\n\n`;
    const text = streamed(openaiChat, anthropicMessages, bytes, sent);
    expect(dataOf(text).map(({ type, delta }) => (delta === undefined ? type : (delta as JsonObject)))).toMatchObject([
      'message_start',
      'content_block_start',
      { type: 'text_delta', text: 'I ' },
      { text: 'look.' },
      'content_block_stop',
      'content_block_start',
      { type: 'input_json_delta', partial_json: '{"city":"Go' },
      { partial_json: 'a"}' },
      'content_block_stop',
      { stop_reason: 'tool_use' },
      'message_stop',
    ]);
  });
});

describe('a Codex session at a Chat upstream', () => {
  const grammar = { type: 'grammar', syntax: 'lark', definition: 'start: "x"' };
  const apply = { type: 'custom', name: 'apply_patch', format: grammar };
  const input: JsonObject[] = [
    { role: 'user', content: 'Hi' },
    { type: 'custom_tool_call', call_id: 'c1', name: 'apply_patch', input: '*** Begin\n"x"' },
    { type: 'custom_tool_call_output', call_id: 'c1', output: 'done' },
  ];

  it('has its patches sent as the argument of a function', () => {
    const { body, losses } = send(openaiResponses, openaiChat, { model: 'm', tools: [apply], input }, FUNCTIONS_ONLY);
    expect(body).toMatchObject({
      messages: [
        { role: 'user' },
        { tool_calls: [{ id: 'c1', type: 'function', function: { arguments: '{"input":"*** Begin\\n\\"x\\""}' } }] },
        { role: 'tool', tool_call_id: 'c1', content: 'done' },
      ],
      tools: [
        {
          type: 'function',
          function: { name: 'apply_patch', description: expect.stringContaining('start: "x"') as string },
        },
      ],
    });
    expect(losses).toBe('custom_tool.format;n=1');
  });

  it('is compacted by a summary that its next request reads', () => {
    const compact = { model: 'm', tools: [apply], input: [...input, { type: 'compaction_trigger' }] };
    const sent = send(openaiResponses, openaiChat, compact, FUNCTIONS_ONLY);
    expect(sent.body).toMatchObject({ tool_choice: 'none', messages: [{}, {}, {}, { role: 'user' }] });
    const reply = {
      id: 'r',
      model: 'm',
      parts: [{ type: 'text' as const, text: 'All was done.' }],
      finish: 'stop' as const,
    };
    const adapted = adaptReply({ ...reply, unmapped: [] }, sent.adaptation);
    const [item] = adapted.ok ? adapted.value.parts : [];
    const next = openaiResponses.decodeRequest({ model: 'm', input: [item?.type === 'opaque' ? item.wire : {}] });
    expect(next).toMatchObject({ ok: true, value: { messages: [{ role: 'user' }] } });
    expect(JSON.stringify(next)).toContain('All was done.');

    const summary = { type: 'compaction', encrypted_content: expect.stringMatching(/^sbsum\./) as string };
    const shown = adapted.ok ? openaiResponses.encodeReply(adapted.value, SHOWN).body : {};
    expect(shown.output).toEqual([{ ...summary, id: expect.stringMatching(/^cmp_/) as string }]);
  });
});
