import {
  adaptConversation,
  DIALECTS,
  SseDecoder,
  type Dialect,
  type StreamEvent,
  type Usage,
} from '@switchboard/protocol';
import { PassThroughRelay, TranslatingRelay } from './relay';

const CONTEXT = { model: 'shown', id: 'id-1', createdAtSeconds: 1, includeUsage: true };
const NOTE = 'the budget is spent';
const CHAT = DIALECTS['openai-chat'];
const ANTHROPIC = DIALECTS['anthropic-messages'];
const SPENT: Usage = {
  inputTokens: 3,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 7,
  reasoningTokens: 0,
};
const START: StreamEvent = { type: 'start', id: 'up', model: 'm', usage: { ...SPENT, outputTokens: 0 } };

/** The grammar of `StreamEvent`, over the types of a whole stream, each with a space behind it. */
const WHOLE_REPLY = /^start (block-start (\S+-delta )*block-stop )*finish $/;

function upstreamBytes(upstream: Dialect, events: readonly StreamEvent[]): Buffer {
  const encoder = upstream.streamEncoder({ ...CONTEXT, model: 'm' });
  return Buffer.from(events.map((event) => encoder.push(event)).join(''));
}

function relayOf(upstream: Dialect, client: Dialect): TranslatingRelay {
  return new TranslatingRelay(upstream, client, { toolNames: new Map() }, CONTEXT);
}

function heard(client: Dialect, text: string): StreamEvent[] {
  const decoder = client.streamDecoder({ toolNames: new Map() });
  const events = new SseDecoder().push(Buffer.from(text)).flatMap((event) => decoder.push(event));
  return [...events, ...decoder.end('completed')];
}

function types(events: readonly StreamEvent[]): string {
  return events.map(({ type }) => `${type} `).join('');
}

describe.each([
  ['Anthropic', 'Chat', ANTHROPIC, CHAT],
  ['Chat', 'Anthropic', CHAT, ANTHROPIC],
])('a reply of an %s upstream to a %s client, stopped at a limit', (_up, _down, upstream, client) => {
  it.each<[string, StreamEvent[], string]>([
    [
      'text',
      [
        { type: 'block-start', block: { type: 'text' } },
        { type: 'text-delta', text: 'Hel' },
      ],
      'text-delta ',
    ],
    [
      'thinking',
      [
        { type: 'block-start', block: { type: 'thinking' } },
        { type: 'thinking-delta', text: 'Hm' },
      ],
      'thinking-delta ',
    ],
    [
      'a tool call',
      [
        { type: 'block-start', block: { type: 'tool-call', id: 'c', name: 'f' } },
        { type: 'arguments-delta', json: '{"x":' },
      ],
      'arguments-delta ',
    ],
  ])('closes %s, and ends as one that reached its length', (_, open, delta) => {
    const relay = relayOf(upstream, client);
    const sent = relay.push(upstreamBytes(upstream, [START, ...open]));
    const closing = relay.stopAtLimit(SPENT, NOTE);
    expect(closing.startsWith(`: ${NOTE}\n\n`)).toBe(true);
    const events = heard(client, sent + closing);
    expect(types(events)).toBe(`start block-start ${delta}block-stop finish `);
    expect(events.at(-1)).toMatchObject({ reason: 'length', usage: SPENT });
    expect(relay).toMatchObject({ finish: 'length', usage: SPENT, usageIsFinal: false, failure: undefined });
  });

  it('drops half an event, and sends nothing more whatever comes', () => {
    const relay = relayOf(upstream, client);
    const rest: StreamEvent[] = [{ type: 'block-stop' }, { type: 'finish', reason: 'stop', usage: SPENT }];
    const text: StreamEvent[] = [
      { type: 'block-start', block: { type: 'text' } },
      { type: 'text-delta', text: 'Hello' },
    ];
    const bytes = upstreamBytes(upstream, [START, ...text, ...rest]);
    const half = bytes.indexOf('Hello') + 2;
    const sent = relay.push(bytes.subarray(0, half));
    expect(heard(client, sent + relay.stopAtLimit(SPENT, NOTE)).at(-1)).toMatchObject({ reason: 'length' });
    expect(relay.push(bytes.subarray(half))).toBe('');
    expect(relay.stopAtLimit(SPENT, NOTE)).toBe('');
    expect(relay.end('truncated')).toBe('');
    expect(relay.end('aborted', { kind: 'timeout', message: 'Too slow' })).toBe('');
    expect(relay).toMatchObject({ finish: 'length', usage: SPENT, failure: undefined, outputBytes: 0 });
  });

  it('cannot be stopped before it began, and then goes on as if not asked', () => {
    const relay = relayOf(upstream, client);
    expect(relay.stopAtLimit(SPENT, NOTE)).toBe('');
    const bytes = upstreamBytes(upstream, [START, { type: 'finish', reason: 'stop', usage: SPENT }]);
    expect(relay.push(bytes.subarray(0, 20)) + relay.stopAtLimit(SPENT, NOTE)).toBe('');
    expect(heard(client, relay.push(bytes.subarray(20))).at(-1)).toMatchObject({ type: 'finish', reason: 'stop' });
  });

  it.each<[string, StreamEvent]>([
    ['its end', { type: 'finish', reason: 'stop', usage: SPENT }],
    ['its failure', { type: 'error', error: { kind: 'upstream', message: 'Boom' } }],
  ])('cannot be stopped after %s', (_, last) => {
    const relay = relayOf(upstream, client);
    relay.push(upstreamBytes(upstream, [START, last]));
    expect(relay.stopAtLimit(SPENT, NOTE)).toBe('');
    expect(relay.finish).not.toBe('length');
  });

  it('keeps the grammar wherever it is stopped', () => {
    const bytes = upstreamBytes(upstream, [
      START,
      { type: 'block-start', block: { type: 'thinking' } },
      { type: 'thinking-delta', text: 'Hm' },
      { type: 'block-stop' },
      { type: 'block-start', block: { type: 'text' } },
      { type: 'text-delta', text: 'Hello' },
      { type: 'text-delta', text: ' you' },
      { type: 'block-stop' },
      { type: 'block-start', block: { type: 'tool-call', id: 'c', name: 'f' } },
      { type: 'arguments-delta', json: '{"x":' },
      { type: 'arguments-delta', json: '1}' },
      { type: 'block-stop' },
      { type: 'block-start', block: { type: 'tool-call', id: 'd', name: 'g' } },
      { type: 'block-stop' },
      { type: 'finish', reason: 'tool-calls', usage: SPENT },
    ]);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const relay = relayOf(upstream, client);
      const sent = relay.push(bytes.subarray(0, cut));
      const text = sent + relay.stopAtLimit(SPENT, NOTE);
      if (text !== '') expect(types(heard(client, text))).toMatch(WHOLE_REPLY);
    }
  });
});

describe('a reply that passes through, stopped at a limit', () => {
  it.each([
    ['Anthropic', ANTHROPIC],
    ['Chat', CHAT],
  ])('ends as its dialect does: %s', (_, dialect) => {
    const relay = new PassThroughRelay(dialect, CONTEXT);
    const open: StreamEvent[] = [
      { type: 'block-start', block: { type: 'text' } },
      { type: 'text-delta', text: 'Hel' },
    ];
    const sent = relay.push(upstreamBytes(dialect, [START, ...open]));
    const events = heard(dialect, Buffer.concat([sent, relay.stopAtLimit(SPENT, NOTE)]).toString());
    expect(types(events)).toMatch(WHOLE_REPLY);
    expect(events.at(-1)).toMatchObject({ reason: 'length', usage: SPENT });
    expect(relay).toMatchObject({ finish: 'length', usage: SPENT, usageIsFinal: false });
    expect(relay.end('aborted')).toHaveLength(0);
  });
});

test('of an adapted reply the upstream’s bytes are what is billed, and what the client is told is how it ended', () => {
  const asked = adaptConversation(
    {
      ...{ model: 'm', sampling: {}, stream: true, unmapped: [], messages: [] },
      tools: [{ type: 'function', name: 'f', inputSchema: {} }],
    },
    { customTools: false, tools: 'emulated', structuredOutputs: false },
  );
  const adaptation = asked.ok ? asked.adaptation : undefined;
  const relay = new TranslatingRelay(CHAT, CHAT, { toolNames: new Map() }, CONTEXT, adaptation);
  const written = '{"text":"","tool_calls":[{"name":"f","arguments":{}}]}';
  const text = relay.push(
    upstreamBytes(CHAT, [
      START,
      { type: 'block-start', block: { type: 'text' } },
      { type: 'text-delta', text: written },
      { type: 'block-stop' },
      { type: 'finish', reason: 'stop', usage: SPENT },
    ]),
  );
  expect(types(heard(CHAT, text))).toBe('start block-start arguments-delta block-stop finish ');
  expect(relay).toMatchObject({ outputBytes: written.length, finish: 'tool-calls', usage: SPENT, usageIsFinal: true });
});
