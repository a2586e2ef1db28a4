import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Conversation } from '../../conversation';
import type { JsonObject, JsonValue } from '../../json';
import { anthropicMessages } from './dialect';

const fixture = path.join(__dirname, '__fixtures__', 'claude-code.request.json');
const claudeCode = JSON.parse(readFileSync(fixture, 'utf8')) as JsonObject & { tools: JsonObject[] };
const minimal: JsonObject = { model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] };

function decode(body: JsonObject): Conversation {
  const decoded = anthropicMessages.decodeRequest(body);
  if (!decoded.ok) throw new Error(decoded.fault.message);
  return decoded.value;
}

const faultOf = (body: JsonObject) => {
  const decoded = anthropicMessages.decodeRequest(body);
  return decoded.ok ? undefined : decoded.fault;
};

const withContent = (...content: JsonValue[]): JsonObject => ({ ...minimal, messages: [{ role: 'user', content }] });

function nest(depth: number): JsonValue {
  let value: JsonValue = 'deep';
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}

describe('decodeRequest of Anthropic Messages', () => {
  it('decodes what Claude Code sends, and keeps the rest at its place', () => {
    const conversation = decode(claudeCode);
    expect(conversation).toMatchObject({
      model: 'claude-sonnet-4-6',
      maxOutputTokens: 32000,
      stream: true,
      endUser: '{"device_id":"d","session_id":"s"}',
      reasoning: { mode: 'adaptive', display: 'summarized', effort: 'medium' },
      toolChoice: { type: 'auto' },
      parallelToolCalls: false,
    });
    expect(conversation.unmapped.map(({ path }) => path)).toEqual(['context_management', 'safeguards']);
    expect(conversation.messages[0]).toEqual({
      role: 'system',
      parts: [
        { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.329' },
        { type: 'text', text: 'You are a coding agent.', cache: {} },
        { type: 'text', text: 'Be brief.', cache: { ttl: '1h' } },
      ],
    });
    expect(conversation.messages.at(-1)).toEqual({
      role: 'system',
      parts: [{ type: 'text', text: 'The user changed directory.' }],
      unmapped: [{ path: 'messages[3].output_config', value: { effort: 'low' } }],
    });
  });

  it('decodes assistant turns: thinking byte for byte, calls with whatever input', () => {
    expect(decode(claudeCode).messages[2]?.parts).toEqual([
      { type: 'thinking', text: 'Two reads.', signature: 'EqQBCkYIBRgC', signedBy: 'anthropic-messages' },
      { type: 'redacted-thinking', data: 'EmwKAhgBEgy3', signedBy: 'anthropic-messages' },
      { type: 'text', text: 'Reading both.' },
      { type: 'tool-call', id: 'toolu_1', name: 'Read', arguments: '{"file_path":"a.png"}' },
      { type: 'tool-call', id: 'toolu_2', name: 'Read', arguments: '{"file_path": "b.p' },
    ]);
  });

  it('decodes tool results with images, errors and references, and documents', () => {
    expect(decode(claudeCode).messages[3]?.parts).toEqual([
      {
        type: 'tool-result',
        callId: 'toolu_1',
        parts: [
          { type: 'text', text: 'An image:' },
          { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'iVBORw0KGgo=' } },
        ],
      },
      { type: 'tool-result', callId: 'toolu_2', parts: [{ type: 'text', text: 'No such file' }], isError: true },
      { type: 'tool-result', callId: 'toolu_3', parts: [{ type: 'tool-reference', toolName: 'Deferred' }] },
      {
        type: 'document',
        source: { type: 'text', mediaType: 'text/plain', text: 'notes' },
        title: 'Notes',
        context: 'from the wiki',
        citations: true,
      },
    ]);
  });

  it('decodes function tools with their schema untouched, and server tools whole', () => {
    const [read, deferred, search] = decode(claudeCode).tools;
    expect(read).toEqual({
      type: 'function',
      name: 'Read',
      description: 'Reads a file',
      inputSchema: claudeCode.tools[0]?.['input_schema'],
    });
    expect(deferred).toMatchObject({
      deferLoading: true,
      unmapped: [{ path: 'tools[1].eager_input_streaming', value: true }],
    });
    expect(search).toEqual({
      type: 'server',
      dialect: 'anthropic-messages',
      name: 'web_search',
      wire: claudeCode.tools[2],
    });
  });

  it('takes every kind of source', () => {
    const sources: JsonObject[] = [
      { type: 'image', source: { type: 'url', url: 'https://a/b.png' } },
      { type: 'image', source: { type: 'file', file_id: 'f1' } },
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBE' } },
      { type: 'document', source: { type: 'url', url: 'https://a/b.pdf' } },
      { type: 'document', source: { type: 'file', file_id: 'f2' } },
      { type: 'document', source: { type: 'content', content: 'plain' } },
      { type: 'search_result', source: 'https://a', title: 'A', content: [{ type: 'text', text: 'found' }] },
    ];
    expect(decode(withContent(...sources)).messages[0]?.parts).toEqual([
      { type: 'image', source: { type: 'url', url: 'https://a/b.png' } },
      { type: 'image', source: { type: 'file', fileId: 'f1' } },
      { type: 'document', source: { type: 'base64', mediaType: 'application/pdf', data: 'JVBE' } },
      { type: 'document', source: { type: 'url', url: 'https://a/b.pdf' } },
      { type: 'document', source: { type: 'file', fileId: 'f2' } },
      { type: 'document', source: { type: 'parts', parts: [{ type: 'text', text: 'plain' }] } },
      {
        type: 'document',
        title: 'A',
        context: 'https://a',
        source: { type: 'parts', parts: [{ type: 'text', text: 'found' }] },
      },
    ]);
  });

  it('keeps blocks it does not know whole', () => {
    const wire = { type: 'web_search_tool_result', tool_use_id: 's', content: [] };
    expect(decode(withContent(wire)).messages[0]?.parts).toEqual([
      { type: 'opaque', dialect: 'anthropic-messages', wire },
    ]);
  });

  it('keeps unknown fields of blocks, and callers other than the model itself', () => {
    const caller = { type: 'code_execution_20260120', tool_id: 't' };
    const block = { type: 'tool_use', id: 'a', name: 'f', input: {}, caller, shiny: 1 };
    expect(decode(withContent(block)).messages[0]?.parts[0]?.unmapped).toEqual([
      { path: 'messages[0].content[0].shiny', value: 1 },
      { path: 'messages[0].content[0].caller', value: caller },
    ]);
  });

  it('reads every parameter', () => {
    const conversation = decode({
      ...minimal,
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      stop_sequences: ['END'],
      thinking: { type: 'enabled', budget_tokens: 2048 },
      output_config: { effort: 'high', format: { type: 'json_schema', schema: { type: 'object' } } },
      service_tier: 'standard_only',
      tools: [],
      tool_choice: { type: 'tool', name: 'f' },
    });
    expect(conversation).toMatchObject({
      sampling: { temperature: 0.5, topP: 0.9, topK: 40 },
      stopSequences: ['END'],
      reasoning: { mode: 'enabled', budgetTokens: 2048, effort: 'high' },
      outputFormat: { type: 'json-schema', schema: { type: 'object' } },
      serviceTier: 'standard_only',
      tools: [],
      toolChoice: { type: 'tool', name: 'f' },
      unmapped: [],
    });
    expect(decode({ ...minimal, output_format: { type: 'json_schema', schema: {} } }).outputFormat).toEqual({
      type: 'json-schema',
      schema: {},
    });
  });

  it('takes a signature of "" for none', () => {
    const parts = decode(withContent({ type: 'thinking', thinking: 'hm', signature: '' })).messages[0]?.parts;
    expect(parts).toEqual([{ type: 'thinking', text: 'hm' }]);
  });

  it.each<[string, string, JsonObject]>([
    ['model: Field required', 'model', { max_tokens: 1, messages: [] }],
    ['model: Input should be a valid string', 'model', { ...minimal, model: 1 }],
    ['max_tokens: Field required', 'max_tokens', { ...minimal, max_tokens: null }],
    ['max_tokens: Input should be a valid number', 'max_tokens', { ...minimal, max_tokens: '9' }],
    ['max_tokens: Input should be a valid integer', 'max_tokens', { ...minimal, max_tokens: 1.5 }],
    ['max_tokens: Input should be greater than or equal to 0', 'max_tokens', { ...minimal, max_tokens: -1 }],
    ['messages: Field required', 'messages', { model: 'm', max_tokens: 1 }],
    ['messages: Input should be a valid list', 'messages', { ...minimal, messages: 'Hi' }],
    ['messages: at least one message is required', 'messages', { ...minimal, messages: [] }],
    ['messages.0: Input should be a valid dictionary', 'messages[0]', { ...minimal, messages: ['Hi'] }],
    [
      "messages.0.role: Input should be 'user' or 'assistant'",
      'messages[0].role',
      { ...minimal, messages: [{ role: 'tool', content: '' }] },
    ],
    ['messages.0.content: Field required', 'messages[0].content', { ...minimal, messages: [{ role: 'user' }] }],
    ['messages.0.content.0.type: Field required', 'messages[0].content[0].type', withContent({ text: 'a' })],
    [
      'messages.0.content.1.text: Field required',
      'messages[0].content[1].text',
      withContent({ type: 'text', text: 'a' }, { type: 'text' }),
    ],
    ['messages.0.content.0.source: Field required', 'messages[0].content[0].source', withContent({ type: 'image' })],
    [
      'messages.0.content.0.tool_use_id: Field required',
      'messages[0].content[0].tool_use_id',
      withContent({ type: 'tool_result' }),
    ],
    ['tools.0.name: Field required', 'tools[0].name', { ...minimal, tools: [{ input_schema: {} }] }],
    ['tools.0.input_schema: Field required', 'tools[0].input_schema', { ...minimal, tools: [{ name: 'f' }] }],
    ['temperature: Input should be less than or equal to 1', 'temperature', { ...minimal, temperature: 1.5 }],
    ['stop_sequences.0: Input should be a valid string', 'stop_sequences[0]', { ...minimal, stop_sequences: [1] }],
    ['thinking.budget_tokens: Field required', 'thinking.budget_tokens', { ...minimal, thinking: { type: 'enabled' } }],
    [
      "output_config.format.type: Input should be 'json_schema'",
      'output_config.format.type',
      { ...minimal, output_config: { format: { type: 'x', schema: {} } } },
    ],
    ['system: Input should be a valid list', 'system', { ...minimal, system: 5 }],
    ['stream: Input should be a valid boolean', 'stream', { ...minimal, stream: 'yes' }],
  ])('refuses with %j', (message, param, body) => {
    expect(faultOf(body)).toEqual({ message, param });
  });

  it('names the tags it expects for a source and a tool choice', () => {
    expect(faultOf(withContent({ type: 'image', source: { type: 'ftp' } }))?.message).toBe(
      `messages.0.content.0.source.type: Input tag "ftp" does not match any of the expected tags: 'base64', 'url', 'file'`,
    );
    expect(faultOf({ ...minimal, tool_choice: { type: 'maybe' } })?.param).toBe('tool_choice.type');
  });

  it('refuses deep nesting, wherever it is, without exhausting the stack', () => {
    expect(
      faultOf(withContent({ type: 'tool_use', id: 'a', name: 'f', input: { x: nest(200_000) } }))?.message,
    ).toMatch(/nested/);
    expect(faultOf({ ...minimal, shiny: nest(200_000) })?.message).toMatch(/nested/);
    let block: JsonValue = { type: 'text', text: 'a' };
    for (let level = 0; level < 50; level++) block = { type: 'tool_result', tool_use_id: 'a', content: [block] };
    expect(faultOf(withContent(block))).toBeUndefined();
  });
});
