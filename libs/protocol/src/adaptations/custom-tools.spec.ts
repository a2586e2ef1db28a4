import fc from 'fast-check';
import type { Conversation, CustomTool, Part } from '../conversation';
import { readStream } from '../__fixtures__/stream-grammar';
import { adaptConversation, adaptReply, type Adaptation } from './adapt';
import { adaptStream, arbitraryCuts, eventsOf, PLAIN, replyFrom, replyOf } from './__fixtures__/replies';

const LARK = 'start: "*** Begin Patch" LF hunk+\nhunk: /.+/ LF';
const PATCH: CustomTool = {
  ...{ type: 'custom', name: 'apply_patch', description: 'Edits files.' },
  format: { type: 'grammar', syntax: 'lark', definition: LARK },
};

const conversation: Conversation = {
  model: 'm',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
  tools: [PATCH, { type: 'function', name: 'shell', inputSchema: { type: 'object' } }],
  toolChoice: { type: 'tool', name: 'apply_patch' },
  ...{ sampling: {}, stream: false, unmapped: [] },
};

function adapted(changes: Partial<Conversation> = {}) {
  const result = adaptConversation({ ...conversation, ...changes }, PLAIN);
  if (!result.ok) throw new Error(result.fault.message);
  return result;
}

const undo = adapted().adaptation as Adaptation;
const call = (args: string, name = 'apply_patch'): Part => ({ type: 'tool-call', id: 'c', name, arguments: args });

function readBack(args: string) {
  const reply = adaptReply(replyOf([call(args)], 'tool-calls'), undo);
  if (!reply.ok) throw new Error(reply.fault.message);
  return { part: reply.value.parts[0], losses: reply.losses.map(({ feature }) => feature) };
}

describe('a free-text tool, where only functions are known', () => {
  it('becomes a function of one text that tells its grammar word for word, and the choice of it stays', () => {
    const { conversation: sent, losses } = adapted();
    expect(sent.tools[0]).toMatchObject({
      type: 'function',
      name: 'apply_patch',
      inputSchema: {
        type: 'object',
        properties: { input: { type: 'string' } },
        required: ['input'],
        additionalProperties: false,
      },
    });
    expect(sent.tools[0]).not.toHaveProperty('format');
    const { description } = sent.tools[0] as { description: string };
    expect(description).toMatch(/^Edits files\./);
    expect(description).toContain(`(lark):\n${LARK}`);
    expect(sent.tools[1]).toBe(conversation.tools[1]);
    expect(sent.toolChoice).toEqual(conversation.toolChoice);
    expect(losses).toEqual([{ feature: 'custom_tool.format', path: 'tools[0].format' }]);
  });

  it('tells Chat’s form of a grammar too, and one nobody knows as it is', () => {
    const grammar = { type: 'grammar', grammar: { syntax: 'regex', definition: '^a+$' } };
    const odd = { type: 'ebnf', rules: ['a'] };
    const { conversation: sent } = adapted({
      tools: [
        { ...PATCH, format: grammar },
        { ...PATCH, format: odd },
      ],
    });
    expect(sent.tools).toMatchObject([
      { description: expect.stringContaining('(regex):\n^a+$') as string },
      { description: expect.stringContaining(JSON.stringify(odd)) as string },
    ]);
  });

  it('loses nothing where it has no grammar', () => {
    const plain = { type: 'custom', name: 'note' } as const;
    expect(adapted({ tools: [plain, { ...plain, format: { type: 'text' } }] }).losses).toEqual([]);
  });

  it('stays as it is where the upstream takes it', () => {
    const kept = adaptConversation(conversation, { ...PLAIN, customTools: true });
    expect(kept).toEqual({ ok: true, conversation, losses: [], adaptation: undefined });
    expect(kept.ok && kept.conversation).toBe(conversation);
  });
});

describe('a call of it', () => {
  it('is one of the function in history, and free text again in the reply, whatever the text and wherever it is cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), arbitraryCuts, (text, cuts) => {
        const custom: Part = { ...(call(text) as Part & { type: 'tool-call' }), custom: true };
        const sent = adapted({ messages: [{ role: 'assistant', parts: [custom] }] }).conversation;
        const written = sent.messages[0]?.parts[0] as Part & { type: 'tool-call' };
        expect(written).not.toHaveProperty('custom');
        expect(JSON.parse(written.arguments)).toEqual({ input: text });
        expect(readBack(written.arguments)).toEqual({ part: custom, losses: [] });
        const events = adaptStream(eventsOf(replyOf([written], 'tool-calls'), cuts), undo);
        expect(replyFrom(events).parts).toEqual([custom]);
      }),
    );
  });

  it.each([
    ['what a model wrote instead of JSON', '*** Begin Patch\n*** End Patch', '*** Begin Patch\n*** End Patch'],
    ['an object without the text', '{"patch": "x"}', '{"patch": "x"}'],
    ['what only begins like an object', '{ "a" b }', '{ "a" b }'],
    ['half a text', '{"input": "a\\nb\\u00', 'a\nb'],
    ['a value that is no text', '{"input": {"a": [1, "}"]}}', '{"a": [1, "}"]}'],
    ['nothing of nothing', '', ''],
    ['nothing of an empty object', ' {} ', ''],
    ['nothing of null', '{"input":null}', ''],
    ['nothing of what had hardly begun', '{ "inp', ''],
  ])('hands over %s', (_, args, text) => {
    expect(readBack(args)).toEqual({ part: { ...call(text), custom: true }, losses: [] });
  });

  it.each([
    ['before', '{"reason":"why","input":"x"}'],
    ['behind', '{"input":"x","input":"y"}'],
    ['around', '{"input":"x"} and so on'],
  ])('reports what a model wrote %s the text', (_, args) => {
    expect(readBack(args)).toEqual({ part: { ...call('x'), custom: true }, losses: ['custom_tool.arguments'] });
  });

  it('hands text on as it comes', () => {
    const events = adaptStream(eventsOf(replyOf([call('{"input":"abcdef"}')]), [12, 14]), undo);
    expect(events.filter(({ type }) => type === 'arguments-delta')).toEqual([
      { type: 'arguments-delta', json: 'ab' },
      { type: 'arguments-delta', json: 'cd' },
      { type: 'arguments-delta', json: 'ef' },
    ]);
  });
});

it('says the same streamed and not, of any arguments cut anywhere, and leaves other calls alone', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '"',
    'input',
    '":',
    ' ',
    '\\',
    'u00e9',
    '\\ud83d',
    ',',
    '[',
    'null',
    'x',
    '\n',
  );
  const args = fc.oneof(
    fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join('')),
    fc.array(pieces, { maxLength: 9 }).map((parts) => `{"input":"${parts.join('')}`),
  );
  fc.assert(
    fc.property(args, args, arbitraryCuts, (one, other, cuts) => {
      const reply = replyOf([{ type: 'text', text: 'a' }, call(one), call(other, 'shell')], 'tool-calls');
      const whole = adaptReply(reply, undo);
      const events = adaptStream(eventsOf(reply, cuts), undo);
      readStream(events);
      expect(whole).toMatchObject({ ok: true, value: replyFrom(events) });
      expect(whole.ok && whole.value.parts[2]).toBe(reply.parts[2]);
      const lost = events.filter(({ type }) => type === 'loss').length;
      expect(whole.ok && whole.losses.length).toBe(lost);
    }),
    { numRuns: 150 },
  );
});
