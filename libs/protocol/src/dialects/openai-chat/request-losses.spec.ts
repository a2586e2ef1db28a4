import type { Conversation, Part } from '../../conversation';
import type { RequestTarget } from '../../dialect';
import { CAPABLE_TARGET } from './__fixtures__/round-trip';
import {
  FUNCTION,
  PDF,
  assistant,
  document,
  features,
  image,
  opaque,
  PNG,
  refusal,
  sent,
  serverTool,
  user,
} from './__fixtures__/sent';

describe('encodeRequest', () => {
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
    ['namespace.description', { tools: [{ ...FUNCTION, namespaceDescription: 'd' }] }, {}],
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
});
