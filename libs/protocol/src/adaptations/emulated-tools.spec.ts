import type { Conversation, FunctionTool, Message } from '../conversation';
import { adaptConversation } from './adapt';
import type { AdaptationTarget } from './change';
import { EMULATED } from './__fixtures__/replies';

const WEATHER: FunctionTool = {
  ...{ type: 'function', name: 'get_weather', description: 'Tells the "weather".' },
  inputSchema: { $schema: 'x', type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const CLOCK: FunctionTool = { type: 'function', name: 'clock', inputSchema: {} };

const conversation: Conversation = {
  model: 'm',
  messages: [
    { role: 'system', parts: [{ type: 'text', text: 'Be kind.' }] },
    { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
  ],
  tools: [WEATHER, CLOCK],
  ...{ sampling: {}, stream: false, unmapped: [] },
};

function adapted(changes: Partial<Conversation> = {}, target: Partial<AdaptationTarget> = {}) {
  const result = adaptConversation({ ...conversation, ...changes }, { ...EMULATED, ...target });
  if (!result.ok) throw new Error(result.fault.message);
  return { ...result, losses: result.losses.map(({ feature, path }) => `${feature} at ${path}`) };
}

function schemaOf(sent: Conversation) {
  if (sent.outputFormat?.type !== 'json-schema') throw new Error('no schema');
  return sent.outputFormat.schema as { properties: { text: object; tool_calls: Record<string, unknown> } };
}

function textOf({ parts }: Message): string {
  return parts.map((part) => (part.type === 'text' ? part.text : `<${part.type}>`)).join('\n');
}

const systemText = (sent: Conversation): string =>
  sent.messages
    .filter(({ role }) => role === 'system')
    .map(textOf)
    .join();

const callOf = (name: string, args: object): object => ({
  type: 'object',
  properties: { name: { type: 'string', enum: [name] }, arguments: args },
  required: ['name', 'arguments'],
  additionalProperties: false,
});

describe('tools for a model without any', () => {
  it('are told in the system prompt, in one message with it, and no tool is sent', () => {
    const { conversation: sent, losses } = adapted();
    expect(sent.tools).toEqual([]);
    expect(sent).not.toHaveProperty('toolChoice');
    expect(sent.messages.map(({ role }) => role)).toEqual(['system', 'user']);
    expect(systemText(sent)).toMatch(/^Be kind\.\n# Tools/);
    const told = { name: 'get_weather', description: 'Tells the "weather".', parameters: WEATHER.inputSchema };
    expect(systemText(sent)).toContain(`\n${JSON.stringify(told)}\n`);
    expect(losses).toEqual([]);
    const bare = adapted({ messages: conversation.messages.slice(1) }).conversation;
    expect(bare.messages.map(({ role }) => role)).toEqual(['system', 'user']);
  });

  it('hold the answer to a schema: text first, then calls with the arguments of their tools', () => {
    const { $schema: _, ...weather } = WEATHER.inputSchema;
    expect(schemaOf(adapted().conversation)).toEqual({
      type: 'object',
      properties: {
        text: { type: 'string' },
        tool_calls: {
          type: 'array',
          items: { anyOf: [callOf('get_weather', weather), callOf('clock', { type: 'object' })] },
        },
      },
      required: ['text', 'tool_calls'],
      additionalProperties: false,
    });
  });

  it('bind the arguments in words only where a schema has references, which look from its root', () => {
    const inputSchema = { type: 'object', properties: { at: { $ref: '#/$defs/at' } }, $defs: { at: {} } };
    const { conversation: sent, losses } = adapted({ tools: [{ ...CLOCK, inputSchema, strict: true }] });
    expect(schemaOf(sent).properties.tool_calls.items).toEqual({ anyOf: [callOf('clock', { type: 'object' })] });
    expect(systemText(sent)).toContain(JSON.stringify(inputSchema));
    expect(losses).toEqual(['strict at tools[0].strict']);
  });

  it('are left to words where the model takes no schema', () => {
    const { conversation: sent, losses } = adapted({}, { structuredOutputs: false });
    expect(sent).not.toHaveProperty('outputFormat');
    expect(systemText(sent)).toContain('# Tools');
    expect(losses).toEqual([]);
  });

  it('are told with what their namespace is for', () => {
    const { conversation: sent } = adapted({ tools: [{ ...CLOCK, namespaceDescription: 'About time.' }] });
    expect(systemText(sent)).toContain('{"name":"clock","toolset":"About time.","parameters":{}}');
  });

  it('have names that a provider would take', () => {
    const name = 'mcp\u001ftool';
    const { conversation: sent } = adapted({ tools: [{ ...CLOCK, name }], toolChoice: { type: 'tool', name } });
    expect(JSON.stringify(schemaOf(sent))).toMatch(/"enum":\["mcp_tool_[a-z0-9]+"\]/);
  });

  it('lose the hints that only a tool on the wire can have', () => {
    const tool: FunctionTool = {
      ...CLOCK,
      cache: {},
      deferLoading: true,
      strict: true,
      unmapped: [{ path: 'tools[0].x', value: 1 }],
    };
    expect(adapted({ tools: [tool] }, { structuredOutputs: false }).losses).toEqual([
      'cache_control at tools[0].cache_control',
      'defer_loading at tools[0].defer_loading',
      'strict at tools[0].strict',
      'field.x at tools[0].x',
    ]);
  });

  it('lose what is counted or matched in text that now is JSON', () => {
    const changes = { sampling: { logprobs: true, topLogprobs: 2, seed: 1 }, stopSequences: ['END', '\n\n'] };
    const { conversation: sent, losses } = adapted(changes);
    expect(losses).toEqual(['logprobs at logprobs', 'stop_sequences at stop_sequences[1]']);
    expect(sent.sampling).toEqual({ seed: 1 });
  });

  it('leave a conversation alone that has none', () => {
    const none = { ...conversation, tools: [] };
    expect(adaptConversation(none, EMULATED)).toEqual({
      ok: true,
      conversation: none,
      losses: [],
      adaptation: undefined,
    });
  });

  it('of free text are such tools too', () => {
    const { conversation: sent } = adapted({ tools: [{ type: 'custom', name: 'note' }] }, { customTools: true });
    expect(schemaOf(sent).properties.tool_calls.items).toMatchObject({
      anyOf: [{ properties: { arguments: { properties: { input: { type: 'string' } } } } }],
    });
  });
});

describe('the choice of a tool', () => {
  it.each([
    ['required', { type: 'required' }, {}, { minItems: 1 }, ['get_weather', 'clock']],
    ['a tool', { type: 'tool', name: 'clock' }, {}, { minItems: 1 }, ['clock']],
    ['auto, one at a time', { type: 'auto' }, { parallelToolCalls: false }, { maxItems: 1 }, ['get_weather', 'clock']],
    [
      'one tool, once',
      { type: 'tool', name: 'clock' },
      { parallelToolCalls: false },
      { minItems: 1, maxItems: 1 },
      ['clock'],
    ],
  ] as const)('is part of the schema: %s', (_, toolChoice, changes, bounds, names) => {
    const { tool_calls: calls } = schemaOf(adapted({ toolChoice, ...changes }).conversation).properties;
    const { type: _type, items, ...rest } = calls;
    expect(rest).toEqual(bounds);
    const branches = (items as { anyOf: { properties: { name: { enum: string[] } } }[] }).anyOf;
    expect(branches.map(({ properties }) => properties.name.enum[0])).toEqual(names);
  });

  it('of none sends no tools at all', () => {
    const { conversation: sent } = adapted({ toolChoice: { type: 'none' } });
    expect(sent).toEqual({ ...conversation, tools: [] });
  });

  it.each([
    [{ type: 'tool', name: 'other' }, [CLOCK]],
    [{ type: 'required' }, []],
  ] as const)('that cannot be met is refused: %j', (toolChoice, tools) => {
    const messages: Message[] = [
      { role: 'assistant', parts: [{ type: 'tool-call', id: 'c', name: 'x', arguments: '' }] },
    ];
    const result = adaptConversation({ ...conversation, messages, toolChoice, tools: [...tools] }, EMULATED);
    expect(result).toMatchObject({ ok: false, fault: { param: 'tool_choice' } });
  });
});

describe('an answer that is to be JSON of the client’s own', () => {
  const schema = { type: 'object', properties: { a: { type: 'number' } } };
  const outputFormat = { type: 'json-schema', schema, name: 'own' } as const;

  it('stands in place of the text', () => {
    const { conversation: sent, losses } = adapted({ outputFormat });
    expect(schemaOf(sent).properties.text).toEqual({ anyOf: [schema, { type: 'null' }] });
    expect(losses).toEqual([]);
    const free = adapted({ outputFormat: { type: 'json-object' } }).conversation;
    expect(schemaOf(free).properties.text).toEqual({ anyOf: [{ type: 'object' }, { type: 'null' }] });
  });

  it('is a loss where only words can ask for it', () => {
    const loss = ['response_format at response_format'];
    const { conversation: sent, losses } = adapted({ outputFormat }, { structuredOutputs: false });
    expect(losses).toEqual(loss);
    expect(systemText(sent)).toContain(JSON.stringify(schema));
    expect(adapted({ outputFormat: { ...outputFormat, schema: { $ref: '#/$defs/a' } } }).losses).toEqual(loss);
  });

  it('is asked for as ever where no tool may be called', () => {
    const { conversation: sent, adaptation } = adapted({ outputFormat, toolChoice: { type: 'none' } });
    expect(sent.outputFormat).toBe(outputFormat);
    expect(adaptation).toBeUndefined();
  });
});

describe('history', () => {
  const image = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } } as const;
  const messages: Message[] = [
    { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
    {
      role: 'assistant',
      parts: [
        { type: 'thinking', text: 'hm' },
        { type: 'text', text: 'I look.' },
        { type: 'tool-call', id: 'c1', name: 'get_weather', arguments: '{"city":"Pune"}', cache: {} },
        { type: 'tool-call', id: 'c2', name: 'clock', arguments: '{"cut' },
      ],
    },
    {
      role: 'user',
      parts: [
        { type: 'tool-result', callId: 'c1', parts: [{ type: 'text', text: 'Sun' }, image], cache: { ttl: '1h' } },
        { type: 'tool-result', callId: 'c2', parts: [], isError: true },
        { type: 'tool-result', callId: 'c3', parts: [{ type: 'tool-reference', toolName: 'clock' }] },
        { type: 'text', text: 'And?' },
      ],
    },
  ];

  it('shows calls as the JSON asked for, and results under the ids of their calls', () => {
    const before = JSON.stringify(messages);
    const { conversation: sent, losses } = adapted({ messages });
    const calls = [
      { id: 'c1', name: 'get_weather', arguments: { city: 'Pune' } },
      { id: 'c2', name: 'clock', arguments: '{"cut' },
    ];
    expect(sent.messages.slice(1)).toEqual([
      messages[0],
      {
        role: 'assistant',
        parts: [
          { type: 'thinking', text: 'hm' },
          { type: 'text', text: JSON.stringify({ text: 'I look.', tool_calls: calls }), cache: {} },
        ],
      },
      {
        role: 'user',
        parts: [
          { type: 'text', text: 'Result of the tool call c1:\nSun' },
          { ...image, cache: { ttl: '1h' } },
          { type: 'text', text: 'Error of the tool call c2:' },
          { type: 'text', text: 'Result of the tool call c3:\nFound the tool clock.' },
          { type: 'text', text: 'And?' },
        ],
      },
    ]);
    expect(losses).toEqual([]);
    expect(JSON.stringify(messages)).toBe(before);
  });

  it('is told apart from calls that may still be made', () => {
    const { conversation: sent, adaptation } = adapted({ messages, tools: [] });
    expect(systemText(sent)).toContain('No tool can be called in this answer.');
    expect(sent).not.toHaveProperty('outputFormat');
    expect(adaptation).toBeDefined();
  });

  it('loses what has no place in it', () => {
    const parts: Message['parts'] = [
      { type: 'text', text: 'x', citations: [{}] },
      {
        type: 'tool-call',
        id: 'c',
        name: 'f',
        arguments: '',
        unmapped: [{ path: 'messages[0].content[1].caller', value: 1 }],
      },
    ];
    const { conversation: sent, losses } = adapted({ messages: [{ role: 'assistant', parts }] });
    expect(losses).toEqual(['citations at messages[0].content[0].citations']);
    expect(sent.messages[1]?.parts[0]?.unmapped).toEqual([{ path: 'messages[0].content[1].caller', value: 1 }]);
  });
});
