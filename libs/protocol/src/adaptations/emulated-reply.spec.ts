import fc from 'fast-check';
import type { Conversation, Part } from '../conversation';
import { readStream } from '../__fixtures__/stream-grammar';
import type { FinishReason } from '../reply';
import { adaptConversation, adaptReply, streamAdapter, type Adaptation } from './adapt';
import { adaptStream, arbitraryCuts, EMULATED, eventsOf, replyFrom, replyOf } from './__fixtures__/replies';

const LONG = 'mcp\u001flook/up';

const conversation: Conversation = {
  model: 'm',
  messages: [
    { role: 'assistant', parts: [{ type: 'tool-call', id: 'earlier', name: 'f', arguments: '' }] },
    { role: 'user', parts: [{ type: 'tool-result', callId: 'earlier', parts: [] }] },
  ],
  tools: ['f', LONG].map((name) => ({ type: 'function', name, inputSchema: {} })),
  ...{ sampling: {}, stream: false, unmapped: [] },
};

const adapted = adaptConversation(conversation, EMULATED);
const undo = (adapted.ok ? adapted.adaptation : undefined) as Adaptation;

/** What a whole reply of one text comes to, which must be what it comes to streamed, one character at a time. */
function said(text: string, finish: FinishReason = 'stop') {
  const reply = replyOf([{ type: 'text', text }], finish);
  const whole = adaptReply(reply, undo);
  if (!whole.ok) throw new Error(whole.fault.message);
  const events = adaptStream(
    eventsOf(
      reply,
      [...text].map((_, index) => index),
    ),
    undo,
  );
  readStream(events);
  expect(replyFrom(events)).toEqual({ parts: whole.value.parts, finish: whole.value.finish });
  return {
    parts: whole.value.parts.map(shown),
    finish: whole.value.finish,
    losses: whole.losses.map(({ feature }) => feature),
  };
}

function shown(part: Part): unknown {
  if (part.type === 'text') return part.text;
  return part.type === 'tool-call' ? [part.id, part.name, part.arguments] : part.type;
}

const answer = (text: unknown, ...calls: unknown[]): string => JSON.stringify({ text, tool_calls: calls });

describe('an answer in the JSON asked for', () => {
  it('is its text', () => {
    expect(said(answer('Hi "you"\n😀'))).toEqual({ parts: ['Hi "you"\n😀'], finish: 'stop', losses: [] });
  });

  it('is its calls, with ids that no other reply has, and ends in them', () => {
    const calls = [
      { name: 'f', arguments: { a: [1, '}]'] } },
      { name: 'f', arguments: {} },
    ];
    expect(said(answer('', ...calls))).toEqual({
      parts: [
        ['call_reply_1_1', 'f', '{"a":[1,"}]"]}'],
        ['call_reply_1_2', 'f', '{}'],
      ],
      ...{ finish: 'tool-calls', losses: [] },
    });
  });

  it('is text before calls, and calls of a tool by the name the client gave it', () => {
    const sent = JSON.stringify(adapted.ok && adapted.conversation).match(/mcp_look_up_\w+/)?.[0];
    expect(said(answer('I look.', { name: sent, arguments: {} })).parts).toEqual([
      'I look.',
      ['call_reply_1_1', LONG, '{}'],
    ]);
  });

  it('may be written in any order, with the ids that history shows, with arguments as a text or with none', () => {
    const text =
      '{ "tool_calls": [ {"id":"x", "arguments": {"a": 1}, "name": "f"}, {"name":"f","arguments":"{\\"b\\":2}"},\n{"name":"f"} ],\n"text": "Done" }';
    expect(said(text)).toEqual({
      parts: [
        ['call_reply_1_1', 'f', '{"a": 1}'],
        ['call_reply_1_2', 'f', '{"b":2}'],
        ['call_reply_1_3', 'f', ''],
        'Done',
      ],
      ...{ finish: 'tool-calls', losses: [] },
    });
  });

  it('is the client’s own JSON where that was asked for, and nothing where null stands in its place', () => {
    expect(said('{"text": {"a": [1, "x"]}, "tool_calls": []}').parts).toEqual(['{"a": [1, "x"]}']);
    expect(said(answer(null, { name: 'f', arguments: {} })).parts).toHaveLength(1);
  });

  it.each([
    ['in a fence', `\n\`\`\`json\n${answer('Hi')}\n\`\`\`\n`, ['Hi']],
    [
      'behind a few words',
      `I look:\n\n${answer('', { name: 'f', arguments: {} })}`,
      ['I look:\n', ['call_reply_1_1', 'f', '{}']],
    ],
    ['twice', `${answer('a')}\n${answer('b')}`, ['ab']],
    ['before a few words', `${answer('a')}\nSo it is.`, ['a\nSo it is.']],
    ['before white space without end', answer('a') + ' \n'.repeat(500), ['a']],
  ])('is found %s', (_, text, parts) => {
    expect(said(text).parts).toEqual(parts);
  });

  it.each([
    ['in the text', '{"text":"Hi \\u00e9\\ud8', ['Hi é']],
    [
      'in the arguments',
      '{"text":"","tool_calls":[{"name":"f","arguments":{"a":"b',
      [['call_reply_1_1', 'f', '{"a":"b']],
    ],
    ['behind a name', '{"text":"x","tool_calls":[{"name":"f"', ['x', ['call_reply_1_1', 'f', '']]],
  ])('that is cut off %s is as much of it as there is', (_, text, parts) => {
    expect(said(text, 'length')).toMatchObject({ parts, finish: 'length' });
  });

  it('loses with a report what it has beside', () => {
    const text = '{"text":"","tool_calls":[{"name":"f","arguments":{},"why":1},{"arguments":{}}],"mood":"good"}';
    expect(said(text).losses).toEqual(['field.why', 'tool_call', 'field.mood']);
  });
});

describe('an answer in plain words', () => {
  it.each([
    'Hi there.\n\nHow are you?\n',
    '  indented',
    '{"city": "Pune"}',
    '{"city": {"text": "x"}}\n{"a',
    '{}',
    'Use `{"text": 1}` here, or\n```js\nlet a;\n```\n',
    '{ not json }\n{"te',
    '```',
    '',
  ])('is text: %j', (text) => {
    expect(said(text)).toEqual({ parts: text === '' ? [] : [text], finish: 'stop', losses: [] });
  });
});

it('lets text through as it comes', () => {
  const adapter = streamAdapter(undo);
  adapter.push({ type: 'start', id: 'r', model: 'm' });
  adapter.push({ type: 'block-start', block: { type: 'text' } });
  const after = (text: string) => adapter.push({ type: 'text-delta', text });
  expect(after('{"text": "He')).toEqual([
    { type: 'block-start', block: { type: 'text' } },
    { type: 'text-delta', text: 'He' },
  ]);
  expect(after('llo')).toEqual([{ type: 'text-delta', text: 'llo' }]);
  expect(after('", "tool_calls": [{"name": "f", "arguments": {"a"')).toEqual([
    { type: 'block-stop' },
    { type: 'block-start', block: { type: 'tool-call', id: 'call_r_1', name: 'f' } },
    { type: 'arguments-delta', json: '{"a"' },
  ]);
});

it('keeps the grammar where an upstream thinks in the middle of a call, and says the thoughts behind it', () => {
  const text = answer('a', { name: 'f', arguments: { b: 1 } });
  const parts: Part[] = [
    { type: 'text', text: text.slice(0, -8) },
    { type: 'thinking', text: 'hm' },
    { type: 'text', text: text.slice(-8) },
    { type: 'refusal', text: 'no' },
  ];
  const events = adaptStream(eventsOf(replyOf(parts)), undo);
  readStream(events);
  expect(replyFrom(events).parts.map(({ type }) => type)).toEqual(['text', 'tool-call', 'thinking', 'refusal']);
});

it('says the same streamed and not, however the text is cut, and nothing twice', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '\\',
    '\n',
    '`',
    '```json',
    ' ',
    'text',
    '"text":',
    '"tool_calls":[',
    '{"name":"f"',
    '"arguments":',
    'null',
    '1',
    'x',
    '{"text":"',
  );
  const texts = fc.oneof(
    fc.array(pieces, { maxLength: 25 }).map((parts) => parts.join('')),
    fc
      .tuple(fc.string({ unit: 'binary' }), fc.jsonValue())
      .map(([text, value]) => answer(text, { name: 'f', arguments: value })),
  );
  fc.assert(
    fc.property(fc.array(texts, { maxLength: 3 }), arbitraryCuts, (blocks, cuts) => {
      const parts = blocks.flatMap((text): Part[] => [
        { type: 'text', text },
        { type: 'thinking', text: 'hm' },
      ]);
      const reply = replyOf(parts);
      const events = adaptStream(eventsOf(reply, cuts), undo);
      readStream(events);
      expect(adaptReply(reply, undo)).toMatchObject({ ok: true, value: replyFrom(events) });
    }),
    { numRuns: 150 },
  );
});
