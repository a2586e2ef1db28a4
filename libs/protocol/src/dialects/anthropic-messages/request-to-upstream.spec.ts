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

function refused(overrides: Partial<Conversation>, to = target) {
  const encoded = encode(overrides, to);
  return encoded.ok ? undefined : encoded.fault;
}

describe('encodeRequest of Anthropic Messages', () => {
  it('always sends max_tokens, the model’s own where the client gave none', () => {
    expect(sent({}).body).toEqual({ model: 'up', max_tokens: 8192, messages: [{ role: 'user', content: 'Hi' }] });
    expect(sent({ maxOutputTokens: 5, stream: true }).body).toMatchObject({ max_tokens: 5, stream: true });
  });

  it('puts leading system messages into system, and keeps later ones in their place', () => {
    const system = (words: string): Message => ({ role: 'system', parts: [text(words)] });
    const { body } = sent({
      messages: [system('a'), system('b'), user(text('Hi')), system('c'), assistant(text('Ho'))],
    });
    expect(body).toMatchObject({
      system: [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'system', content: 'c' },
        { role: 'assistant', content: 'Ho' },
      ],
    });
  });

  it('hands in all results of parallel calls in one user message, first in it, nothing in between', () => {
    const { body } = sent({
      messages: [
        user(text('Hi')),
        assistant(text('Wait'), call('a'), call('b')),
        { role: 'system', parts: [text('note')] },
        user(result('a')),
        user(text('and now?')),
        user(result('b')),
      ],
      tools: [fn('f')],
    });
    const messages = body['messages'] as { role: string; content: JsonObject[] }[];
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'system']);
    expect(messages[1]?.content.map(({ type }) => type)).toEqual(['text', 'tool_use', 'tool_use']);
    expect(messages[2]?.content.map(({ type }) => type)).toEqual(['tool_result', 'tool_result', 'text']);
  });

  it('puts a system message that stood between calls and results right after the results', () => {
    const note: Message = { role: 'system', parts: [text('note')] };
    const { body } = sent({
      messages: [user(text('Hi')), assistant(call('a')), note, user(result('a')), assistant(text('Done'))],
    });
    const messages = body['messages'] as { role: string }[];
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'system', 'assistant']);
  });

  it('gathers results that came as several messages', () => {
    const { body } = sent({
      messages: [
        user(text('Hi')),
        assistant(call('a'), call('b')),
        user(text('first')),
        user(result('a')),
        user(result('b')),
      ],
    });
    const messages = body['messages'] as { content: JsonObject[] }[];
    expect(messages).toHaveLength(3);
    expect(messages[2]?.content.map(({ type }) => type)).toEqual(['tool_result', 'tool_result', 'text']);
  });

  it('leaves out blank texts and messages that are nothing else', () => {
    const { body } = sent({ messages: [user(text('Hi'), text(' \n')), assistant(text('')), user(text('there'))] });
    expect(body['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Hi' },
          { type: 'text', text: 'there' },
        ],
      },
    ]);
    expect(refused({ messages: [user(text(''))] })?.param).toBe('messages');
  });

  it.each([
    ['', {}, false],
    ['{"a":1}', { a: 1 }, false],
    ['[1]', { value: [1] }, true],
    ['{"a":', { raw: '{"a":' }, true],
  ])('makes an object of the arguments %j', (args, input, lost) => {
    const { body, features } = sent({ messages: [assistant(call('a', args))] });
    expect(body['messages']).toEqual([
      { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input }] },
    ]);
    expect(features).toEqual(lost ? ['tool_arguments.invalid'] : []);
  });

  it('cleans call ids alike in calls and results, and keeps two ids two', () => {
    const { body } = sent({
      messages: [assistant(call('a.b'), call('a/b'), call('')), user(result('a/b'), result('a.b'), result(''))],
    });
    const ids = [...JSON.stringify(body).matchAll(/"(?:id|tool_use_id)":"([^"]*)"/g)].map(([, id]) => id);
    expect(ids).toEqual(['a_b', 'a_b_2', 'call', 'a_b_2', 'a_b', 'call']);
  });

  it('shortens tool names the API refuses, everywhere alike, and says how to undo it', () => {
    const long = 'mcp.server/'.repeat(10);
    const { body, toolNames } = sent({
      tools: [fn(long)],
      toolChoice: { type: 'tool', name: long },
      messages: [assistant(call('a', '{}', long))],
    });
    const [short] = [...toolNames.keys()];
    expect(short).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect([...toolNames]).toEqual([[short, long]]);
    expect(body).toMatchObject({
      tools: [{ name: short }],
      tool_choice: { name: short },
      messages: [{ content: [{ name: short }] }],
    });
  });

  it('sends tool choice and parallel calls, and neither without tools', () => {
    const tools = [fn('f')];
    expect(sent({ tools, parallelToolCalls: false }).body['tool_choice']).toEqual({
      type: 'auto',
      disable_parallel_tool_use: true,
    });
    expect(sent({ tools, toolChoice: { type: 'required' }, parallelToolCalls: true }).body['tool_choice']).toEqual({
      type: 'any',
      disable_parallel_tool_use: false,
    });
    expect(sent({ tools, toolChoice: { type: 'none' }, parallelToolCalls: false }).body['tool_choice']).toEqual({
      type: 'none',
    });
    expect(sent({ toolChoice: { type: 'auto' }, parallelToolCalls: false }).body).not.toHaveProperty('tool_choice');
  });

  it('gives a schema without a type the one the API insists on', () => {
    expect(sent({ tools: [{ type: 'function', name: 'f', inputSchema: {} }] }).body['tools']).toEqual([
      { name: 'f', input_schema: { type: 'object' } },
    ]);
  });

  it('sends its own server tools and blocks, and refuses those of others by name', () => {
    const wire = { type: 'web_search_20250305', name: 'web_search' };
    expect(
      sent({ tools: [{ type: 'server', dialect: 'anthropic-messages', name: 'web_search', wire }] }).body['tools'],
    ).toEqual([wire]);
    expect(refused({ tools: [{ type: 'server', dialect: 'other', name: 'file_search', wire }] })?.message).toContain(
      '"file_search"',
    );
    expect(refused({ tools: [{ type: 'custom', name: 'apply_patch' }] })?.message).toContain('"apply_patch"');
    const opaque = (dialect: string): Part => ({ type: 'opaque', dialect, wire: { type: 'odd' } });
    expect(sent({ messages: [user(text('a'), opaque('anthropic-messages'))] }).features).toEqual([]);
    expect(sent({ messages: [user(text('a'), opaque('other'))] }).features).toEqual(['block.odd']);
  });

  it('refuses what cannot be said: several replies, audio, files of other kinds', () => {
    expect(refused({ replyCount: 2 })).toMatchObject({ param: 'n' });
    expect(refused({ messages: [user({ type: 'audio', data: 'AA==', format: 'wav' })] })?.message).toContain('audio');
    expect(
      refused({
        messages: [user({ type: 'document', source: { type: 'base64', mediaType: 'text/csv', data: 'YQ==' } })],
      }),
    ).toBeUndefined();
    expect(
      refused({
        messages: [user({ type: 'document', source: { type: 'base64', mediaType: 'application/zip', data: 'YQ==' } })],
      })?.message,
    ).toContain('application/zip');
  });

  it('refuses images and documents at a model that takes none', () => {
    const image: Part = { type: 'image', source: { type: 'url', url: 'https://a' } };
    const pdf: Part = { type: 'document', source: { type: 'base64', mediaType: 'application/pdf', data: 'JVBE' } };
    expect(refused({ messages: [user(image)] }, { ...target, vision: false })?.param).toBe('messages[0].content[0]');
    expect(refused({ messages: [user(pdf)] }, { ...target, documents: false })?.param).toBe('messages[0].content[0]');
  });

  it('reads text files into text documents and mends image/jpg', () => {
    const { body } = sent({
      messages: [
        user(
          {
            type: 'document',
            title: 'a.csv',
            source: { type: 'base64', mediaType: 'text/csv', data: Buffer.from('x,ü').toString('base64') },
          },
          { type: 'image', source: { type: 'base64', mediaType: 'image/jpg', data: 'AA==' } },
        ),
      ],
    });
    expect(body['messages']).toMatchObject([
      {
        content: [
          { source: { type: 'text', media_type: 'text/plain', data: 'x,ü' }, title: 'a.csv' },
          { source: { media_type: 'image/jpeg' } },
        ],
      },
    ]);
  });

  it('leaves thinking without a signature out, and reports it', () => {
    const { body, features } = sent({ messages: [assistant({ type: 'thinking', text: 'hm' }, text('a'))] });
    expect(body['messages']).toEqual([{ role: 'assistant', content: 'a' }]);
    expect(features).toEqual(['thinking.signature']);
  });

  it('withholds what another provider signed, and reports it, and what a namespace is for', () => {
    const { body, features } = sent({
      messages: [
        assistant(
          { type: 'thinking', text: 'hm', signature: 'ENC', signedBy: 'openai-responses' },
          { type: 'redacted-thinking', data: 'ENC', signedBy: 'openai-responses' },
          text('a'),
        ),
      ],
      tools: [{ ...fn('f'), namespaceDescription: 'd' } as Tool],
    });
    expect(body['messages']).toEqual([{ role: 'assistant', content: 'a' }]);
    expect(features).toEqual(['thinking.signature', 'redacted_thinking', 'namespace.description']);
  });

  it('reports details, refusals and foreign citations in history', () => {
    const { features } = sent({
      messages: [
        user({ type: 'image', source: { type: 'url', url: 'https://a' }, detail: 'low' }),
        assistant(
          { type: 'refusal', text: 'no' },
          { type: 'text', text: 'a', citations: [{ type: 'url_citation' }, { type: 'page_location' }] },
        ),
      ],
    });
    expect(features).toEqual(['image.detail', 'refusal', 'citations']);
  });
});
