import type { Conversation, Message, Part } from '../../conversation';
import { CAPABLE_TARGET } from './__fixtures__/round-trip';
import { call, features, FUNCTION, PDF, PNG, sent, text, user, wireCall, wires, wireText } from './__fixtures__/sent';
import { decodeRequest } from './request';

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

  it('gives no tool the name that another already has', () => {
    const dotted = { ...FUNCTION, name: 'a.b' };
    const [short = ''] = sent({ tools: [dotted] }).toolNames.keys();
    const { body } = sent({ tools: [dotted, { ...FUNCTION, name: short }] });
    const names = (body.tools as { function: { name: string } }[]).map((tool) => tool.function.name);
    expect(names[1]).toBe(short);
    expect(names[0]).not.toBe(short);
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
