import { TOOL_SEARCH, type Conversation, type Message, type Part, type Reasoning } from '../../conversation';
import type { RequestTarget } from '../../dialect';
import type { JsonObject, JsonValue } from '../../json';
import { CAPABLE_TARGET } from './__fixtures__/round-trip';
import { encodeRequest } from './request';

const PNG: Part = { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' } };
const FUNCTION = { type: 'function', name: 'f', inputSchema: { type: 'object' } } as const;
const text = (content: string): Part => ({ type: 'text', text: content });
const user = (...parts: Part[]): Message => ({ role: 'user', parts });
const assistant = (...parts: Part[]): Message => ({ role: 'assistant', parts });

function encode(parts: Partial<Conversation>, target: Partial<RequestTarget> = {}) {
  const whole = { model: 'm', messages: [user(text('Hi'))], tools: [], sampling: {}, stream: false, unmapped: [] };
  return encodeRequest({ ...whole, ...parts }, { ...CAPABLE_TARGET, ...target });
}

function sent(parts: Partial<Conversation>, target: Partial<RequestTarget> = {}) {
  const encoded = encode(parts, target);
  if (!encoded.ok) throw new Error(encoded.fault.message);
  return encoded;
}

const input = (...messages: Message[]) => sent({ messages }).body.input as JsonObject[];

describe('encodeRequest', () => {
  it.each<[string, Partial<Conversation>, Partial<RequestTarget>, string]>([
    ['an image', { messages: [user(PNG)] }, { vision: false }, 'does not take images'],
    ["another provider's image", { messages: [user(file('image'))] }, {}, "no image by the file id 'file_1'"],
    ["another provider's file", { messages: [user(file('document'))] }, {}, "has no file 'file_1'"],
    ['a document', { messages: [user(pdf())] }, { documents: false }, "'Q3' cannot be sent"],
    ['audio', { messages: [user({ type: 'audio', data: 'A', format: 'wav' })] }, {}, 'does not take audio'],
    ['several replies', { replyCount: 2 }, {}, 'one reply per request'],
    ['a demanded call without tools', { toolChoice: { type: 'required' } }, {}, 'no tools are given'],
    [
      "another provider's tool",
      { tools: [{ type: 'server', dialect: 'anthropic-messages', name: 'web_search', wire: {} }] },
      {},
      "Tool 'web_search' runs at the provider",
    ],
    ['a free-text tool', { tools: [{ type: 'custom', name: 'p' }] }, { customTools: false }, "free-text tools ('p')"],
  ])('refuses %s by name where it cannot be sent', (_, parts, target, words) => {
    const encoded = encode(parts, target);
    expect(encoded.ok ? 'sent' : encoded.fault.message).toContain(words);
  });

  it.each<[string, Partial<Conversation>, Partial<RequestTarget>]>([
    ['thinking', { messages: [assistant({ type: 'thinking', text: 'x' })] }, {}],
    ['redacted_thinking', { messages: [assistant(redacted())] }, {}],
    ['block.server_tool_use', { messages: [assistant(opaque('anthropic-messages'))] }, {}],
    ['citations', { messages: [assistant({ type: 'text', text: 'x', citations: [{ type: 'page' }] })] }, {}],
    ['cache_control', { tools: [{ ...FUNCTION, cache: {} }] }, {}],
    ['document.title', { messages: [user(linked())] }, {}],
    ['message.name', { messages: [{ ...user(text('x')), name: 'n' } as Message] }, {}],
    ['top_k', { sampling: { topK: 3 } }, {}],
    ['seed', { sampling: { seed: 3, presencePenalty: 0 } }, {}],
    ['presence_penalty', { sampling: { presencePenalty: 1 } }, {}],
    ['frequency_penalty', { sampling: { frequencyPenalty: 1 } }, {}],
    ['logit_bias', { sampling: { logitBias: { '1': 2 } } }, {}],
    ['stop_sequences', { stopSequences: ['a'] }, {}],
    ['max_output_tokens', { maxOutputTokens: 1 }, {}],
    ['thinking.budget_tokens', { reasoning: { mode: 'enabled', budgetTokens: 9000 } }, {}],
    ['thinking.display', { reasoning: { display: 'updates' } }, {}],
    ['reasoning_effort', { reasoning: { effort: 'high' } }, { reasoning: false }],
    ['metadata', { metadata: { a: 1 } }, {}],
    ['user', { endUser: 'u'.repeat(65) }, {}],
    ['service_tier', { serviceTier: 'unheard_of' }, {}],
    ['field.safeguards', { unmapped: [{ path: 'safeguards', value: [] }] }, {}],
  ])('reports %s, once, as a loss', (feature, parts, target) => {
    expect(sent(parts, target).losses.map((loss) => loss.feature)).toEqual([feature]);
  });

  it.each<[Reasoning, JsonValue]>([
    [
      { mode: 'enabled', budgetTokens: 1024 },
      { effort: 'low', summary: 'auto' },
    ],
    [{ mode: 'enabled', budgetTokens: 1024, display: 'omitted' }, { effort: 'low' }],
    [{ mode: 'enabled', effort: 'low' }, { effort: 'low' }],
  ])('asks for a summary where the Messages API would show one: %j', (reasoning, asked) => {
    expect(sent({ reasoning }).body['reasoning']).toEqual(asked);
  });

  it('gives a signature back to its maker alone', () => {
    const thought: Part = { type: 'thinking', text: 'Hm', signature: 'ENC', signedBy: 'openai-responses' };
    expect(input(assistant(thought))).toEqual([
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm' }], encrypted_content: 'ENC' },
    ]);
    const foreign = sent({ messages: [assistant({ ...thought, signedBy: 'anthropic-messages' }, text('x'))] });
    expect(JSON.stringify(foreign.body)).not.toContain('ENC');
    expect(foreign.losses).toEqual([
      { feature: 'thinking', path: 'messages[0].content[0]' },
      { feature: 'thinking.signature', path: 'messages[0].content[0].signature' },
    ]);
  });

  it('keeps the order of texts, reasoning and calls, and the place of system messages', () => {
    const items = input(
      { role: 'system', parts: [text('Head')] },
      user(text('a')),
      assistant(text('b'), call('1'), text('c')),
      { role: 'system', parts: [text('Now')], developer: true },
      user({ type: 'tool-result', callId: '1', parts: [text('No'), PNG], isError: true }, text('d')),
    );
    expect(items).toEqual([
      { type: 'message', role: 'user', content: 'a' },
      { type: 'message', role: 'assistant', content: 'b' },
      { type: 'function_call', call_id: '1', name: 'f', arguments: '{}' },
      { type: 'message', role: 'assistant', content: 'c' },
      { type: 'message', role: 'developer', content: 'Now' },
      {
        type: 'function_call_output',
        call_id: '1',
        output: [
          { type: 'input_text', text: '[tool result is an error]' },
          { type: 'input_text', text: 'No' },
          { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' },
        ],
      },
      { type: 'message', role: 'user', content: 'd' },
    ]);
  });

  it('passes what its own provider ran, and asks for a compaction at the end', () => {
    const { body, losses } = sent({ messages: [assistant(opaque('openai-responses'))], compaction: true });
    expect(body.input).toEqual([{ type: 'server_tool_use' }, { type: 'compaction_trigger' }]);
    expect(losses).toEqual([]);
  });

  it('groups namespaces, shortens what the API refuses, and says which tool is meant', () => {
    const long = 'x'.repeat(80);
    const { body, toolNames } = sent({
      tools: [
        { ...FUNCTION, name: 'crm\u001ffind', namespaceDescription: 'The CRM' },
        { type: 'custom', name: 'patch' },
        { ...FUNCTION, name: 'crm\u001fadd', strict: true },
        { ...FUNCTION, name: long },
        { ...FUNCTION, name: TOOL_SEARCH },
      ],
      toolChoice: { type: 'tool', name: 'crm\u001fadd' },
    });
    const [short] = [...toolNames.keys()];
    expect(toolNames.get(short ?? '')).toBe(long);
    const declared = { type: 'function', parameters: { type: 'object' } };
    expect(body.tools).toEqual([
      {
        type: 'namespace',
        name: 'crm',
        description: 'The CRM',
        tools: [
          { ...declared, name: 'find', strict: false },
          { ...declared, name: 'add', strict: true },
        ],
      },
      { type: 'custom', name: 'patch' },
      { ...declared, name: short, strict: false },
      { type: 'tool_search', execution: 'client', parameters: { type: 'object' } },
    ]);
    expect(body.tool_choice).toEqual({ type: 'function', name: 'add' });
  });
});

function call(id: string): Part {
  return { type: 'tool-call', id, name: 'f', arguments: '' };
}

function file(type: 'image' | 'document'): Part {
  return { type, source: { type: 'file', fileId: 'file_1' } };
}

function pdf(): Part {
  return { type: 'document', source: { type: 'base64', mediaType: 'application/pdf', data: 'B' }, title: 'Q3' };
}

function linked(): Part {
  return { type: 'document', source: { type: 'url', url: 'https://a.test' }, title: 'Q3' };
}

function redacted(): Part {
  return { type: 'redacted-thinking', data: 'x', signedBy: 'anthropic-messages' };
}

function opaque(dialect: string): Part {
  return { type: 'opaque', dialect, wire: { type: 'server_tool_use' } };
}
