import { TOOL_SEARCH, type Conversation } from '../../conversation';
import type { JsonObject, JsonValue } from '../../json';
import { lossOf } from '../../loss';
import { sealSummary } from '../../summary-envelope';
import codex from './__fixtures__/codex.request.json';
import { CAPABLE_TARGET } from './__fixtures__/round-trip';
import { decodeRequest, encodeRequest } from './request';

function decoded(body: JsonObject): Conversation {
  const result = decodeRequest({ model: 'gpt', input: 'Hello', ...body });
  if (!result.ok) throw new Error(result.fault.message);
  return result.value;
}

function fault(body: JsonObject): { message: string; param?: string; code?: string } {
  const result = decodeRequest({ model: 'gpt', ...body });
  if (result.ok) throw new Error('expected a fault');
  return result.fault;
}

function left(body: JsonObject): unknown[] {
  return decoded(body).unmapped.map(lossOf);
}

const content = (...parts: JsonValue[]): JsonObject => ({ input: [{ role: 'user', content: parts }] });

describe('decodeRequest', () => {
  it.each<[string, JsonObject, string, string]>([
    ['no input', {}, 'input', 'must be provided'],
    ['an empty input', { input: [] }, 'input', 'must be provided'],
    ['input of another type', { input: 5 }, 'input', 'one of an array of objects or string, but got an integer'],
    ['an item that is no object', { input: ['x'] }, 'input[0]', 'expected an object, but got a string'],
    ['an item of no kind', { input: [{ text: 'x' }] }, 'input[0].type', 'Missing required parameter'],
    ['an unknown role', { input: [{ role: 'tool', content: 'x' }] }, 'input[0].role', "Invalid value: 'tool'."],
    ['no content', { input: [{ role: 'user' }] }, 'input[0].content', 'Missing required parameter'],
    ['a part of Chat', content({ type: 'text', text: 'x' }), 'input[0].content[0].type', "'input_text', 'input_image'"],
    [
      'an image that is no URL',
      content({ type: 'input_image', image_url: 'cat.png' }),
      'input[0].content[0].image_url',
      'valid URL',
    ],
    [
      'a file without its bytes',
      content({ type: 'input_file', filename: 'a.pdf' }),
      'input[0].content[0].file_data',
      'Missing required parameter',
    ],
    [
      'a call without its id',
      { input: [{ type: 'function_call', name: 'f', arguments: '{}' }] },
      'input[0].call_id',
      "Missing required parameter: 'input[0].call_id'.",
    ],
    [
      'an output without a call',
      { input: [{ type: 'function_call_output', output: 'x' }] },
      'input[0].call_id',
      "Missing required parameter: 'input[0].call_id'.",
    ],
    ['a tool without a name', { input: 'x', tools: [{ type: 'function' }] }, 'tools[0].name', 'Missing required'],
    [
      'a tool of another kind in a namespace',
      { input: 'x', tools: [{ type: 'namespace', name: 'n', tools: [{ type: 'web_search' }] }] },
      'tools[0].tools[0].type',
      "Supported values are: 'function', and 'custom'.",
    ],
    ['an unknown choice', { input: 'x', tool_choice: 'any' }, 'tool_choice', "Invalid value: 'any'."],
    ['a schema without a name', { input: 'x', text: { format: schema({}) } }, 'text.format.name', 'Missing required'],
    ['a number as text', { input: 'x', temperature: 'hot' }, 'temperature', 'expected a decimal'],
    ['no output', { input: 'x', max_output_tokens: 0 }, 'max_output_tokens', 'Expected a value >= 1'],
    ['a reply not here', { input: 'x', previous_response_id: 'resp_1' }, 'previous_response_id', "'resp_1' not found"],
    ['a conversation kept', { input: 'x', conversation: 'c' }, 'conversation', "Unsupported parameter: 'conversation'"],
    ['a reply for later', { input: 'x', background: true }, 'background', "Unsupported parameter: 'background'"],
    ['a prompt kept', { input: 'x', prompt: { id: 'p' } }, 'prompt', "Unsupported parameter: 'prompt'"],
  ])('refuses %s and names the parameter', (_, body, param, words) => {
    const found = fault(body);
    expect(found.param).toBe(param);
    expect(found.message).toContain(words);
  });

  it('reads every parameter, and treats null as absent', () => {
    const params: JsonObject = {
      instructions: 'Be brief.',
      temperature: 0.5,
      top_p: 0.9,
      top_logprobs: 3,
      include: ['reasoning.encrypted_content'],
      max_output_tokens: 100,
      reasoning: { effort: 'low', summary: 'auto', mode: 'standard' },
      text: { verbosity: 'high', format: { ...schema({ a: 1 }), name: 'n', strict: true, description: 'd' } },
      parallel_tool_calls: false,
      stream: true,
      stream_options: { include_obfuscation: false },
      safety_identifier: 'someone',
      metadata: { a: 'b' },
      service_tier: 'flex',
      prompt_cache_key: 'key',
      store: true,
      truncation: 'disabled',
      background: false,
    };
    expect(decoded(params)).toEqual({
      model: 'gpt',
      messages: [
        { role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
        { role: 'user', parts: [{ type: 'text', text: 'Hello' }] },
      ],
      tools: [],
      sampling: { temperature: 0.5, topP: 0.9, topLogprobs: 3, logprobs: true },
      maxOutputTokens: 100,
      reasoning: { mode: 'enabled', effort: 'low', display: 'auto' },
      outputFormat: { type: 'json-schema', schema: { a: 1 }, name: 'n', strict: true, description: 'd' },
      verbosity: 'high',
      parallelToolCalls: false,
      stream: true,
      endUser: 'someone',
      metadata: { a: 'b' },
      serviceTier: 'flex',
      promptCacheKey: 'key',
      unmapped: [],
    });
    const nulls = Object.fromEntries(Object.keys(params).map((name) => [name, null]));
    expect(decoded(nulls)).toEqual(decoded({}));
  });

  it.each<[string, JsonObject, string, string]>([
    ['an item kept elsewhere', { input: [{ id: 'rs_1' }] }, 'item_reference', 'input[0]'],
    ['the phase of a message', { input: [{ ...said(), phase: 'commentary' }] }, 'field.phase', 'input[0].phase'],
    ['truncation', { truncation: 'auto' }, 'field.truncation', 'truncation'],
    ['more in the reply', { include: ['file_search_call.results'] }, 'field.include', 'include[0]'],
    ['an unknown member', { client_metadata: { a: 'b' } }, 'field.client_metadata', 'client_metadata'],
    [
      'a narrower choice',
      { tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{}] } },
      'field.tools',
      'tool_choice.tools',
    ],
  ])('leaves %s for a loss', (_, body, feature, path) => {
    expect(left(body)).toEqual([{ feature, path }]);
  });

  it('reads the request of Codex: turns, tools wherever declared, calls of all kinds', () => {
    const { messages, tools, unmapped } = decoded(codex as unknown as JsonObject);
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user', 'assistant', 'user']);
    expect(messages[2]?.parts).toEqual([
      {
        type: 'thinking',
        text: '**Looking**\n\nat the code',
        signature: 'gAAAAABpZ==',
        signedBy: 'openai-responses',
      },
      { type: 'text', text: 'I look at it first.' },
      { type: 'tool-call', id: 'call_1', name: 'exec_command', arguments: '{"cmd":"rg flag"}' },
      { type: 'tool-call', id: 'call_2', name: 'mcp__docs\u001fread_page', arguments: '{}' },
      { type: 'tool-call', id: 'call_3', name: TOOL_SEARCH, arguments: '{"query":"tickets"}' },
    ]);
    expect(messages[3]?.parts.at(-1)).toEqual({
      type: 'tool-result',
      callId: 'call_3',
      parts: [{ type: 'tool-reference', toolName: 'mcp__tickets\u001ffind' }],
    });
    expect(messages[4]?.parts).toMatchObject([{ custom: true, arguments: '*** Begin Patch\n*** End Patch' }]);
    expect(messages[5]?.parts.map(({ type }) => type)).toEqual(['tool-result', 'text']);
    expect(tools.map(({ name }) => name)).toEqual([
      'exec_command',
      'apply_patch',
      TOOL_SEARCH,
      'mcp__docs\u001fread_page',
      'mcp__tickets\u001ffind',
    ]);
    expect(unmapped.map(lossOf)).toEqual([{ feature: 'field.client_metadata', path: 'client_metadata' }]);
  });

  it('gives Codex to a Responses upstream as it came, its tools at the top', () => {
    const conversation = decoded(codex as unknown as JsonObject);
    const encoded = encodeRequest(conversation, CAPABLE_TARGET);
    if (!encoded.ok) throw new Error(encoded.fault.message);
    expect(encoded.losses).toEqual([{ feature: 'field.client_metadata', path: 'client_metadata' }]);
    expect(encoded.toolNames.size).toBe(0);
    const [declared] = codex.input;
    expect(encoded.body.tools).toEqual(declared?.tools);
    expect(encoded.body.input).toMatchObject([
      { role: 'developer', content: 'You are Codex.' },
      { role: 'user' },
      {},
      {},
      {},
      {},
      {},
      {},
      {},
      { type: 'tool_search_output', tools: codex.input[10]?.tools },
      { type: 'custom_tool_call' },
      { type: 'custom_tool_call_output' },
      {},
    ]);
    expect(decoded({ ...encoded.body, model: 'gpt-5.3-codex' })).toEqual({ ...conversation, unmapped: [] });
  });

  it('takes a summary of ours for text, and the request for one from its last item', () => {
    const own = { type: 'compaction', encrypted_content: sealSummary('So far: ü') };
    const theirs = { type: 'compaction', encrypted_content: 'gAAA' };
    const { messages, compaction } = decoded({ input: [own, theirs, { type: 'compaction_trigger' }] });
    expect(messages).toEqual([
      { role: 'user', parts: [{ type: 'text', text: 'So far: ü' }] },
      { role: 'assistant', parts: [{ type: 'opaque', dialect: 'openai-responses', wire: theirs }] },
    ]);
    expect(compaction).toBe(true);
  });

  it('keeps what the provider ran as it is, on the side that said it', () => {
    const search = { type: 'web_search_call', id: 'ws_1', status: 'completed' };
    const shell = { type: 'shell_call_output', call_id: 'c', output: [] };
    expect(decoded({ input: [search, said(), shell] }).messages.map(({ role, parts }) => [role, parts.length])).toEqual(
      [
        ['assistant', 2],
        ['user', 1],
      ],
    );
  });

  it('knows signatures that other providers made, and their redacted thinking, by the envelope', () => {
    const reasoning = (sealed: string): JsonObject => ({ type: 'reasoning', summary: [], encrypted_content: sealed });
    const input = [reasoning('sbsig.anthropic-messages.EqQB'), reasoning('sbsig.anthropic-messages.redacted:EvAF')];
    expect(decoded({ input }).messages[0]?.parts).toEqual([
      { type: 'thinking', text: '', signature: 'EqQB', signedBy: 'anthropic-messages' },
      { type: 'redacted-thinking', data: 'EvAF', signedBy: 'anthropic-messages' },
    ]);
  });

  it('reads images and files by bytes, URL and id, here and in outputs', () => {
    const parts: JsonObject[] = [
      { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' },
      { type: 'input_image', file_id: 'file-1', detail: 'high' },
      { type: 'input_file', file_data: 'data:application/pdf;base64,BBBB', filename: 'a.pdf' },
      { type: 'input_file', file_url: 'https://a.test/b.pdf' },
      { type: 'input_file', file_id: 'file-2' },
    ];
    const expected = [
      { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' } },
      { type: 'image', source: { type: 'file', fileId: 'file-1' }, detail: 'high' },
      { type: 'document', source: { type: 'base64', mediaType: 'application/pdf', data: 'BBBB' }, title: 'a.pdf' },
      { type: 'document', source: { type: 'url', url: 'https://a.test/b.pdf' } },
      { type: 'document', source: { type: 'file', fileId: 'file-2' } },
    ];
    expect(decoded(content(...parts)).messages[0]?.parts).toEqual(expected);
    const output = { type: 'function_call_output', call_id: 'c', output: parts };
    expect(decoded({ input: [output] }).messages[0]?.parts).toEqual([
      { type: 'tool-result', callId: 'c', parts: expected },
    ]);
  });
});

function schema(of: JsonObject): JsonObject {
  return { type: 'json_schema', schema: of };
}

function said(): JsonObject {
  return { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'x', annotations: [] }] };
}
