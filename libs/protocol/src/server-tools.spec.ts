import type { Conversation, ServerTool, Tool } from './conversation';
import { anthropicMessages } from './dialects/anthropic-messages/dialect';
import { openaiChat } from './dialects/openai-chat/dialect';
import { openaiResponses } from './dialects/openai-responses/dialect';

const search: ServerTool = { type: 'server', dialect: 'elsewhere', name: 'web_search', wire: { type: 'web_search' } };
const shell: Tool = { type: 'function', name: 'shell', inputSchema: { type: 'object' } };

const target = {
  ...{ model: 'm', maxOutputTokens: 1000, customTools: true },
  ...{ vision: true, documents: true, reasoning: true },
};

const conversation = (changes: Partial<Conversation>): Conversation => ({
  model: 'm',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
  tools: [search, shell],
  ...{ maxOutputTokens: 100, sampling: {}, stream: false, unmapped: [] },
  ...changes,
});

describe.each([anthropicMessages, openaiChat, openaiResponses])(
  'a server tool of another dialect, to $id',
  (dialect) => {
    it('is left out, and reported, where it is only one of the tools on offer', () => {
      const encoded = dialect.encodeRequest(conversation({}), target);
      if (!encoded.ok) throw new Error(encoded.fault.message);
      expect(encoded.losses).toEqual([{ feature: 'server_tool', path: 'tools[0]' }]);
      expect(encoded.body['tools']).toHaveLength(1);
      expect(JSON.stringify(encoded.body)).not.toContain('web_search');
    });

    it.each<[string, Partial<Conversation>]>([
      ['it is all that is offered', { tools: [search] }],
      ['its use is demanded', { toolChoice: { type: 'tool', name: 'web_search' } }],
    ])('is refused by name where %s', (_case, changes) => {
      const encoded = dialect.encodeRequest(conversation(changes), target);
      expect(encoded).toMatchObject({ ok: false, fault: { message: expect.stringContaining('web_search') } });
    });
  },
);
