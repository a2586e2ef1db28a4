import fc from 'fast-check';
import { arbitraryFailedStream, arbitraryStream } from '../../conversation.arbitrary';
import type { EncodeContext } from '../../dialect';
import { SseDecoder, type SseEvent } from '../../sse/decoder';
import type { StreamEnd, StreamEvent } from '../../stream-event';
import { emptyUsage } from '../../usage';
import { grammarFault } from './__fixtures__/stream-grammar';
import { anthropicMessages } from './dialect';

const context: EncodeContext = { model: 'shown', id: 'msg_1', createdAtSeconds: 0, includeUsage: true };

function encode(events: readonly StreamEvent[]): string {
  const encoder = anthropicMessages.streamEncoder(context);
  return events.map((event) => encoder.push(event)).join('');
}

function sse(text: string, cuts: readonly number[] = []): SseEvent[] {
  const bytes = Buffer.from(text);
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((left, right) => left - right);
  const decoder = new SseDecoder();
  let start = 0;
  return [...places, bytes.length].flatMap((place) => {
    const events = decoder.push(bytes.subarray(start, place));
    start = place;
    return events;
  });
}

function decode(
  events: readonly SseEvent[],
  how: StreamEnd = 'completed',
  toolNames = new Map<string, string>(),
): StreamEvent[] {
  const decoder = anthropicMessages.streamDecoder({ toolNames });
  return [...events.flatMap((event) => decoder.push(event)), ...decoder.end(how)];
}

const wire = (...bodies: object[]): SseEvent[] =>
  bodies.map((body) => ({ event: (body as { type: string }).type, data: JSON.stringify(body) }));

const START = {
  type: 'message_start',
  message: { id: 'msg_9', model: 'claude', usage: { input_tokens: 7, output_tokens: 3 } },
};
const TEXT = [
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
];
const STOP = { type: 'content_block_stop', index: 0 };
const END = [
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 5, input_tokens: null } },
  { type: 'message_stop' },
];

/** What this wire says of a canonical stream: refusals are text, the input is told first, the output last. */
function expected(events: readonly StreamEvent[]): StreamEvent[] {
  const refused = events.some((event) => event.type === 'block-start' && event.block.type === 'refusal');
  return events.map((event): StreamEvent => {
    switch (event.type) {
      case 'start':
        return {
          ...event,
          model: context.model,
          usage: { ...(event.usage ?? emptyUsage()), outputTokens: 0, reasoningTokens: 0 },
        };
      case 'block-start':
        return event.block.type === 'refusal' ? { type: 'block-start', block: { type: 'text' } } : event;
      case 'refusal-delta':
        return { type: 'text-delta', text: event.text };
      case 'finish':
        return refused && event.reason === 'stop' ? { ...event, reason: 'refusal' } : event;
      default:
        return event;
    }
  });
}

it('begins with a likely input where nobody has told it yet, and ends with the true one', () => {
  const told = (usage: ReturnType<typeof emptyUsage> | undefined, likelyInputTokens?: number) => {
    const encoder = anthropicMessages.streamEncoder({ ...context, ...(likelyInputTokens && { likelyInputTokens }) });
    const start = encoder.push({ type: 'start', id: '', model: '', ...(usage && { usage }) });
    const end = encoder.push({
      type: 'finish',
      reason: 'stop',
      usage: { ...emptyUsage(), inputTokens: 9, outputTokens: 2 },
    });
    return [start, end].map((text) => /"input_tokens":(\d+)/.exec(text)?.[1]);
  };
  expect(told(undefined, 12)).toEqual(['12', '9']);
  expect(told({ ...emptyUsage(), inputTokens: 9 }, 12)).toEqual(['9', undefined]);
  expect(told(undefined)).toEqual(['0', '9']);
});

describe('the Anthropic stream, there and back', () => {
  it('loses no event of any stream, for any byte split', () => {
    fc.assert(
      fc.property(arbitraryStream, fc.array(fc.nat(5000), { maxLength: 30 }), (events, cuts) => {
        const decoded = decode(sse(encode(events), cuts));
        expect(decoded).toEqual(expected(events));
        expect(grammarFault(decoded)).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  it('ends a failed stream in an error event, and says nothing after it', () => {
    fc.assert(
      fc.property(arbitraryFailedStream, (events) => {
        const encoder = anthropicMessages.streamEncoder(context);
        const text = [...events, { type: 'ping' } as const].map((event) => encoder.push(event)).join('');
        const last = sse(text).at(-1);
        expect(last?.event).toBe('error');
        const decoded = decode(sse(text));
        expect(decoded.at(-1)).toMatchObject({ type: 'error', error: { kind: 'upstream' } });
        expect(grammarFault(decoded)).toBeUndefined();
      }),
    );
  });

  it('never takes a stream cut anywhere for a success', () => {
    fc.assert(
      fc.property(arbitraryStream, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (events, share) => {
        const bytes = Buffer.from(encode(events));
        const cut = bytes.subarray(0, Math.floor(share * (bytes.length - 1)));
        const decoded = decode(new SseDecoder().push(cut));
        expect(decoded.at(-1)).toMatchObject({ type: 'error', error: { kind: 'truncated' } });
        expect(grammarFault(decoded)).toBeUndefined();
      }),
    );
  });

  it('keeps the grammar whatever an upstream sends', () => {
    const index = fc.integer({ min: 0, max: 1 });
    const block = fc.constantFrom(
      { type: 'text', text: 'a' },
      { type: 'thinking' },
      { type: 'tool_use', input: { a: 1 } },
      { type: 'x' },
      null,
    );
    const delta = fc.constantFrom('text_delta', 'input_json_delta', 'thinking_delta', 'signature_delta', 'new_delta');
    const content = { text: 'a', partial_json: '{', thinking: 'b', signature: 'c' };
    const body = fc.oneof(
      fc.constantFrom<unknown>(START, ...END, { type: 'ping' }, { type: 'new_event' }, { type: 'error', error: {} }, 7),
      fc.record({ type: fc.constant('content_block_start'), index, content_block: block }),
      fc.record({
        type: fc.constant('content_block_delta'),
        index,
        delta: delta.map((type) => ({ type, ...content })),
      }),
      fc.record({ type: fc.constant('content_block_stop'), index }),
    );
    const event = body.map((value): SseEvent => ({ event: undefined, data: JSON.stringify(value) }));
    const noise = fc.constantFrom<SseEvent>({ event: 'message_stop', data: 'no json' }, { event: 'ping', data: '{}' });
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 9, arbitrary: event }, noise)), (events) => {
        expect(grammarFault(decode([...wire(START), ...events]))).toBeUndefined();
        expect(grammarFault(decode(events))).toBeUndefined();
      }),
      { numRuns: 1000 },
    );
  });
});

describe('AnthropicStreamDecoder', () => {
  it('reads usage from both ends, null figures ignored', () => {
    const events = decode(wire(START, ...TEXT, STOP, ...END));
    expect(events.at(-1)).toEqual({
      type: 'finish',
      reason: 'stop',
      usage: { ...emptyUsage(), inputTokens: 7, outputTokens: 5 },
    });
  });

  it('says which stop sequence hit', () => {
    const end = { type: 'message_delta', delta: { stop_reason: 'stop_sequence', stop_sequence: '###' } };
    expect(decode(wire(START, end, { type: 'message_stop' })).at(-1)).toMatchObject({
      reason: 'stop-sequence',
      stopSequence: '###',
    });
  });

  it('gives shortened tool names back as the client knows them', () => {
    const block = {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'tool_use', id: 't', name: 'short', input: {} },
    };
    const events = decode(wire(START, block), 'aborted', new Map([['short', 'own.name']]));
    expect(events[1]).toEqual({ type: 'block-start', block: { type: 'tool-call', id: 't', name: 'own.name' } });
  });

  it('carries server tool blocks whole, and reports unknown deltas, events and outcome fields as losses', () => {
    const block = { type: 'server_tool_use', id: 's', name: 'web_search', input: {} };
    const events = decode(
      wire(
        START,
        { type: 'content_block_start', index: 0, content_block: block },
        { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{}' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'shiny_delta' } },
        STOP,
        { type: 'shiny_event' },
        { type: 'message_delta', delta: { stop_reason: 'end_turn', safeguard_results: [1], container: null } },
        { type: 'message_stop' },
      ),
    );
    expect(events[1]).toEqual({
      type: 'block-start',
      block: { type: 'opaque', dialect: 'anthropic-messages', wire: block },
    });
    const losses = events.flatMap((event) => (event.type === 'loss' ? [event.loss.feature] : []));
    expect(losses).toEqual(['delta.shiny_delta', 'event.shiny_event', 'field.safeguard_results']);
    expect(grammarFault(events)).toBeUndefined();
  });

  it('takes blocks that begin with their content, and blocks that are never stopped', () => {
    const events = decode(
      wire(
        START,
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'whole' } },
        {
          type: 'content_block_start',
          index: 1,
          content_block: { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } },
        },
        { type: 'message_delta', delta: { stop_reason: 'tool_use' } },
        { type: 'message_stop' },
      ),
    );
    expect(events.map(({ type }) => type)).toEqual([
      'start',
      'block-start',
      'text-delta',
      'block-stop',
      'block-start',
      'arguments-delta',
      'block-stop',
      'finish',
    ]);
  });

  it.each([
    ['a delta for another block', [START, ...TEXT, { ...TEXT[1], index: 1 }]],
    [
      'a delta of another kind',
      [START, ...TEXT, { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta' } }],
    ],
    ['a second message_start', [START, START]],
    ['content before the start', TEXT],
    ['the end before the start', [{ type: 'message_stop' }]],
  ])('ends as malformed on %s', (_what, bodies) => {
    expect(decode(wire(...bodies)).at(-1)).toMatchObject({ type: 'error', error: { kind: 'malformed' } });
  });

  it('passes an error of the upstream on in its own words, and stops there', () => {
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    expect(decode(wire(START, error, ...TEXT, STOP, ...END)).slice(1)).toEqual([
      { type: 'error', error: { kind: 'upstream', type: 'overloaded_error', message: 'Overloaded' } },
    ]);
  });
});

describe('AnthropicStreamEncoder', () => {
  const finish: StreamEvent = {
    type: 'finish',
    reason: 'stop',
    usage: { ...emptyUsage(), inputTokens: 4, outputTokens: 2 },
  };
  const bodies = (events: readonly StreamEvent[]) =>
    sse(encode(events)).map(({ data }) => JSON.parse(data) as Record<string, never>);

  it('always opens with usage, output 0, and tells late learnt input at the end', () => {
    const [start, delta] = bodies([{ type: 'start', id: '', model: 'x' }, finish]);
    expect(start).toMatchObject({
      message: { id: 'msg_1', model: 'shown', usage: { input_tokens: 0, output_tokens: 0 } },
    });
    expect(delta).toMatchObject({ usage: { input_tokens: 4, output_tokens: 2 } });
  });

  it('does not tell the input twice', () => {
    const usage = { ...emptyUsage(), inputTokens: 4, outputTokens: 1 };
    const [start, delta] = bodies([{ type: 'start', id: 'a', model: 'x', usage }, finish]);
    expect(start).toMatchObject({ message: { usage: { input_tokens: 4, output_tokens: 0 } } });
    expect(delta?.['usage']).toEqual({ output_tokens: 2 });
  });

  it('leaves out blocks of other dialects, deltas and all, and reports them', () => {
    const encoder = anthropicMessages.streamEncoder(context);
    const events: StreamEvent[] = [
      { type: 'start', id: 'a', model: 'x' },
      { type: 'block-start', block: { type: 'opaque', dialect: 'other', wire: { type: 'odd' } } },
      { type: 'arguments-delta', json: 'secret' },
      { type: 'block-stop' },
      { type: 'block-start', block: { type: 'text' } },
      { type: 'text-delta', text: 'a' },
      { type: 'block-stop' },
      finish,
    ];
    const text = events.map((event) => encoder.push(event)).join('');
    expect(text).not.toContain('secret');
    expect(sse(text)[1]?.data).toContain('"index":0');
    expect(encoder.losses).toEqual([{ feature: 'block.odd', path: 'content[0]' }]);
  });

  it.each([
    [{ kind: 'timeout', message: 'slow' } as const, 'timeout_error'],
    [{ kind: 'truncated', message: 'cut' } as const, 'api_error'],
    [{ kind: 'upstream', type: 'overloaded_error', message: 'busy' } as const, 'overloaded_error'],
    [{ kind: 'upstream', type: 'rate_limit_exceeded', message: 'slow down' } as const, 'rate_limit_error'],
    [{ kind: 'upstream', type: 'server_error', message: 'oops' } as const, 'api_error'],
  ])('words a failure as this dialect does: %j', (error, type) => {
    expect(bodies([{ type: 'error', error }])).toEqual([{ type: 'error', error: { type, message: error.message } }]);
  });
});
