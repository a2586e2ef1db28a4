import type { Conversation, Message, Part, Tool } from '../../conversation';
import type { RequestTarget } from '../../dialect';
import type { JsonObject } from '../../json';
import { decodeRequest, encodeRequest } from './request';
import { CAPABLE_TARGET } from './__fixtures__/round-trip';

const PNG: Part = { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' } };
const PDF: Part = { type: 'document', source: { type: 'base64', mediaType: 'application/pdf', data: 'BBBB' } };
const FUNCTION: Tool = { type: 'function', name: 'f', inputSchema: { type: 'object' } };

function conversation(parts: Partial<Conversation>): Conversation {
  return {
    model: 'm',
    messages: [user(text('Hello'))],
    tools: [],
    sampling: {},
    stream: false,
    unmapped: [],
    ...parts,
  };
}

function sent(parts: Partial<Conversation>, target: RequestTarget = CAPABLE_TARGET) {
  const encoded = encodeRequest(conversation(parts), target);
  if (!encoded.ok) throw new Error(encoded.fault.message);
  return encoded;
}

function wires(...messages: Message[]): JsonObject[] {
  return sent({ messages }).body.messages as JsonObject[];
}

function refusal(parts: Partial<Conversation>, target: RequestTarget = CAPABLE_TARGET): string {
  const encoded = encodeRequest(conversation(parts), target);
  if (encoded.ok) throw new Error('expected a refusal');
  return encoded.fault.message;
}

function features(parts: Partial<Conversation>, target: RequestTarget = CAPABLE_TARGET): string[] {
  return sent(parts, target).losses.map(({ feature }) => feature);
}

describe('encodeRequest', () => {
  it('puts tool results directly after their calls, in call order, and what they cannot carry after all of them', () => {
    const result = wires(
      { role: 'assistant', parts: [text('Looking'), call('a'), call('b')] },
      user(
        { type: 'tool-result', callId: 'b', parts: [PNG] },
        { type: 'tool-result', callId: 'a', parts: [PDF, text('one')] },
        text('What now?'),
      ),
    );
    expect(result).toEqual([
      { role: 'assistant', content: 'Looking', tool_calls: [wireCall('a'), wireCall('b')] },
      { role: 'tool', tool_call_id: 'a', content: 'one' },
      { role: 'tool', tool_call_id: 'b', content: '[tool result is in the attachments below]' },
      {
        role: 'user',
        content: [
          wireText('[attachment of tool result a, part 1]'),
          { type: 'file', file: { filename: 'document.pdf', file_data: 'data:application/pdf;base64,BBBB' } },
          wireText('[attachment of tool result b]'),
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          wireText('What now?'),
        ],
      },
    ]);
  });

  it('lets only its own labels, for calls of that turn, become attachments again', () => {
    const decodedAfter = (label: string): number => {
      const result = decodeRequest({
        model: 'm',
        messages: [
          { role: 'assistant', content: null, tool_calls: [wireCall('a')] },
          { role: 'tool', tool_call_id: 'a', content: 'x' },
          { role: 'user', content: [wireText(label), { type: 'image_url', image_url: { url: 'https://a.test' } }] },
        ],
      });
      return result.ok ? result.value.messages.length : -1;
    };
    expect(decodedAfter('[attachment of tool result a]')).toBe(2);
    expect(decodedAfter('[attachment of tool result z]')).toBe(3);
    expect(decodedAfter('see [attachment of tool result a]')).toBe(3);
  });

  it('lets the model see that a tool failed', () => {
    const [, failed] = wires(
      { role: 'assistant', parts: [call('a')] },
      user({ type: 'tool-result', callId: 'a', parts: [text('No such file')], isError: true }),
    );
    expect(failed?.content).toBe('[tool result is an error]\nNo such file');
  });

  it('keeps a system message in the middle in its place', () => {
    const roles = wires(user(text('a')), { role: 'system', parts: [text('b')] }, user(text('c'))).map(
      ({ role }) => role,
    );
    expect(roles).toEqual(['user', 'system', 'user']);
  });

  it('reports an order that Chat cannot have', () => {
    const messages: Message[] = [
      { role: 'assistant', parts: [call('a'), text('after')] },
      user(text('before'), { type: 'tool-result', callId: 'a', parts: [text('x')] }),
    ];
    expect(features({ messages })).toEqual(['content_order', 'content_order']);
  });

  it.each([
    ['nothing', '', '{}'],
    ['an object', '{"a":1}', '{"a":1}'],
    ['a cut-off object', '{"a":', '{"__raw_arguments":"{\\"a\\":"}'],
    ['a string', '"x"', '{"__raw_arguments":"\\"x\\""}'],
  ])('sends %s as arguments that are a JSON object', (_, written, expected) => {
    const [message] = wires({ role: 'assistant', parts: [{ ...call('a'), arguments: written } as Part] });
    expect(message?.tool_calls).toEqual([{ id: 'a', type: 'function', function: { name: 'f', arguments: expected } }]);
  });

  it('shortens names that Chat refuses, everywhere the same, and says how to restore them', () => {
    const long = 'x'.repeat(80);
    const { body, toolNames } = sent({
      tools: [{ ...FUNCTION, name: long }, { ...FUNCTION, name: 'a.b' }, FUNCTION],
      toolChoice: { type: 'tool', name: long },
      messages: [
        { role: 'assistant', parts: [{ ...call('1'), name: long } as Part] },
        user({ type: 'tool-result', callId: '1', parts: [{ type: 'tool-reference', toolName: 'a.b' }] }),
      ],
    });
    const [short, cleaned, kept] = (body.tools as { function: { name: string } }[]).map((tool) => tool.function.name);
    expect(short).toMatch(/^x+_[a-z0-9]{7}$/);
    expect(short).toHaveLength(64);
    expect(cleaned).toMatch(/^a_b_[a-z0-9]{7}$/);
    expect(kept).toBe('f');
    expect(body.tool_choice).toEqual({ type: 'function', function: { name: short } });
    expect(JSON.stringify(body.messages)).toContain(`"name":"${short}"`);
    expect(JSON.stringify(body.messages)).toContain(`[tool loaded: ${cleaned}]`);
    expect([...toolNames]).toEqual([
      [short, long],
      [cleaned, 'a.b'],
    ]);
  });

  it('gives two names that clean to the same text two names', () => {
    const { toolNames } = sent({
      tools: [
        { ...FUNCTION, name: 'a.b' },
        { ...FUNCTION, name: 'a/b' },
      ],
    });
    expect(new Set(toolNames.keys()).size).toBe(2);
  });

  it('restores a tool reference of a declared tool', () => {
    const { body } = sent({
      tools: [FUNCTION],
      messages: [
        { role: 'assistant', parts: [call('a')] },
        user({ type: 'tool-result', callId: 'a', parts: [{ type: 'tool-reference', toolName: 'f' }] }),
      ],
    });
    const back = decodeRequest(body);
    expect(back.ok && back.value.messages[1]?.parts).toEqual([
      { type: 'tool-result', callId: 'a', parts: [{ type: 'tool-reference', toolName: 'f' }] },
    ]);
  });

  it.each<[string, Partial<Conversation>, Partial<RequestTarget>, string]>([
    ['a server tool', { tools: [serverTool()] }, {}, "Tool 'web_search' runs at the provider"],
    ['a document', { messages: [user({ ...PDF, title: 'Q3' } as Part)] }, { documents: false }, "'Q3' cannot be sent"],
    ['a document by URL', { messages: [user(document({ type: 'url', url: 'https://a.test' }))] }, {}, 'by URL'],
    [
      'a document by id',
      { messages: [user(document({ type: 'file', fileId: 'file_1' }))] },
      {},
      "by file id ('file_1')",
    ],
    ['an image', { messages: [user(PNG)] }, { vision: false }, 'does not take images'],
    ['an image by id', { messages: [user(image({ type: 'file', fileId: 'f' }))] }, {}, 'images by file id'],
    ['an image in system', { messages: [{ role: 'system', parts: [PNG] }] }, {}, 'only text in system messages'],
    ['a demanded call without tools', { toolChoice: { type: 'required' } }, {}, 'no tools are given'],
  ])('refuses %s by name where it cannot be sent', (_, parts, target, words) => {
    expect(refusal(parts, { ...CAPABLE_TARGET, ...target })).toContain(words);
  });

  it.each<[string, Partial<Conversation>, Partial<RequestTarget>]>([
    ['thinking', { messages: [assistant({ type: 'thinking', text: 'x' })] }, {}],
    ['redacted_thinking', { messages: [assistant({ type: 'redacted-thinking', data: 'x' })] }, {}],
    ['block.server_tool_use', { messages: [assistant(opaque('server_tool_use'))] }, {}],
    ['block.image', { messages: [assistant(PNG)] }, {}],
    ['citations', { messages: [assistant({ type: 'text', text: 'x', citations: [{ type: 'page' }] })] }, {}],
    ['cache_control', { tools: [{ ...FUNCTION, cache: {} }] }, {}],
    ['defer_loading', { tools: [{ ...FUNCTION, deferLoading: true }] }, {}],
    ['document.context', { messages: [user({ ...PDF, context: 'c' } as Part)] }, {}],
    ['top_k', { sampling: { topK: 3 } }, {}],
    ['thinking.display', { reasoning: { mode: 'adaptive', display: 'omitted' } }, {}],
    ['thinking.budget_tokens', { reasoning: { mode: 'enabled', budgetTokens: 9000 } }, {}],
    ['reasoning_effort', { reasoning: { effort: 'high' } }, { reasoning: false }],
    ['stop_sequences', { stopSequences: ['a', 'b', 'c', 'd', 'e'] }, {}],
    ['metadata', { metadata: { a: 'b' } }, {}],
    ['user', { endUser: 'u'.repeat(65) }, {}],
    ['service_tier', { serviceTier: 'unheard_of' }, {}],
    ['field.safeguards', { unmapped: [{ path: 'safeguards', value: [] }] }, {}],
    ['field.input_examples', { unmapped: [{ path: 'tools[0].input_examples[1]', value: {} }] }, {}],
  ])('reports %s, once, as a loss', (feature, parts, target) => {
    expect(features(parts, { ...CAPABLE_TARGET, ...target })).toEqual([feature]);
  });

  it('names the signature beside the thinking it signed', () => {
    const messages = [assistant({ type: 'thinking', text: 'x', signature: 's' })];
    expect(sent({ messages }).losses).toEqual([
      { feature: 'thinking', path: 'messages[0].content[0]' },
      { feature: 'thinking.signature', path: 'messages[0].content[0].signature' },
    ]);
  });

  it('carries parameters in the words of the target', () => {
    const parts: Partial<Conversation> = {
      tools: [FUNCTION],
      toolChoice: { type: 'required' },
      parallelToolCalls: false,
      maxOutputTokens: 100_000,
      sampling: { temperature: 0.1, topP: 0.2 },
      stopSequences: ['a'],
      reasoning: { mode: 'enabled', budgetTokens: 20_000 },
      outputFormat: { type: 'json-schema', schema: { $schema: 's', type: 'object' } },
      endUser: 'u',
      serviceTier: 'standard_only',
      stream: true,
    };
    expect(sent(parts).body).toEqual({
      model: 'upstream-model',
      messages: [{ role: 'user', content: 'Hello' }],
      tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }],
      tool_choice: 'required',
      parallel_tool_calls: false,
      max_completion_tokens: 32_000,
      temperature: 0.1,
      top_p: 0.2,
      stop: ['a'],
      reasoning_effort: 'high',
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'response', schema: { $schema: 's', type: 'object' } },
      },
      user: 'u',
      service_tier: 'default',
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(sent({ maxOutputTokens: 5 }, { ...CAPABLE_TARGET, reasoning: false }).body.max_tokens).toBe(5);
    expect(sent({ reasoning: { mode: 'disabled' } }).body.reasoning_effort).toBe('none');
  });

  it('sends neither an empty tool list nor what needs one', () => {
    const { body } = sent({ tools: [], toolChoice: { type: 'none' }, parallelToolCalls: true });
    expect(Object.keys(body)).toEqual(['model', 'messages']);
  });

  it('carries a document of text with its title and context', () => {
    const source = { type: 'text', mediaType: 'text/plain', text: 'Body' } as const;
    const [message] = wires(user({ type: 'document', source, title: 'T', context: 'C' }));
    expect(message?.content).toBe('[document: T]\n[about this document: C]\nBody');
  });
});

function user(...parts: Part[]): Message {
  return { role: 'user', parts };
}

function assistant(...parts: Part[]): Message {
  return { role: 'assistant', parts };
}

function text(content: string): Part {
  return { type: 'text', text: content };
}

function wireText(content: string): JsonObject {
  return { type: 'text', text: content };
}

function call(id: string): Part {
  return { type: 'tool-call', id, name: 'f', arguments: '{}' };
}

function wireCall(id: string): JsonObject {
  return { id, type: 'function', function: { name: 'f', arguments: '{}' } };
}

function opaque(type: string): Part {
  return { type: 'opaque', dialect: 'anthropic-messages', wire: { type } };
}

function document(source: { type: 'url'; url: string } | { type: 'file'; fileId: string }): Part {
  return { type: 'document', source };
}

function image(source: { type: 'file'; fileId: string }): Part {
  return { type: 'image', source };
}

function serverTool(): Tool {
  const wire = { type: 'web_search_20250305', name: 'web_search' };
  return { type: 'server', dialect: 'anthropic-messages', name: 'web_search', wire };
}
