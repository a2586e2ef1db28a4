import fc from 'fast-check';
import OpenAI from 'openai';
import { cutBytes, decodeBytes, readSse, readStream } from '../../__fixtures__/stream-grammar';
import { SHOWN, throughJson } from '../../__fixtures__/translate';
import { arbitraryFailedStream, arbitraryStream } from '../../conversation.arbitrary';
import { NAMESPACE_SEPARATOR, TOOL_SEARCH } from '../../conversation';
import type { JsonObject } from '../../json';
import type { BlockStart, StreamEvent } from '../../stream-event';
import { SPENT } from './__fixtures__/events';
import { encodeReply } from './response';
import { ResponsesStreamDecoder } from './stream-decoder';
import { ResponsesStreamEncoder } from './stream-encoder';

const RUNS = { numRuns: 40 };
const cuts = fc.array(fc.nat(8000), { maxLength: 8 });
const START: StreamEvent = { type: 'start', id: 'up_1', model: 'up' };

function encode(events: readonly StreamEvent[], context = SHOWN) {
  const encoder = new ResponsesStreamEncoder(context);
  const text = events.map((told) => encoder.push(told)).join('');
  return { text, bytes: Buffer.from(text), losses: encoder.losses.map(({ feature }) => feature) };
}

function block(start: BlockStart, ...deltas: StreamEvent[]): StreamEvent[] {
  return [{ type: 'block-start', block: start }, ...deltas, { type: 'block-stop' }];
}

function said(text: string): StreamEvent[] {
  return block({ type: 'text' }, { type: 'text-delta', text });
}

interface Told extends JsonObject {
  type: string;
  sequence_number: number;
}

function told(text: string): Told[] {
  return readSse(Buffer.from(text)).map(({ event, data }) => {
    const body = JSON.parse(data) as Told;
    expect(event).toBe(body.type);
    return body;
  });
}

/** The SDK with a `fetch` that answers with these bytes, in pieces. No socket is opened. */
function sdk(bytes: Buffer, places: readonly number[]) {
  const answer: typeof fetch = () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of cutBytes(bytes, places)) controller.enqueue(new Uint8Array(piece));
        controller.close();
      },
    });
    return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
  };
  return new OpenAI({ apiKey: 'not-a-key', baseURL: 'http://127.0.0.1:9', maxRetries: 0, fetch: answer }).responses;
}

describe('a stream for a Responses client', () => {
  it('has the events of the API, in order and numbered', () => {
    const thinking = block(
      { type: 'thinking' },
      { type: 'thinking-delta', text: 'hm' },
      { type: 'signature-delta', signature: 'E', signedBy: 'anthropic-messages' },
    );
    const call = block({ type: 'tool-call', id: 'c1', name: 'read' }, { type: 'arguments-delta', json: '{}' });
    const { text } = encode([
      START,
      ...thinking,
      ...said('Hi'),
      ...call,
      { type: 'finish', reason: 'tool-calls', usage: SPENT },
    ]);
    const events = told(text);
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index));
    expect(events.map(({ type }) => type.replace('response.', ''))).toEqual([
      ...['created', 'in_progress', 'output_item.added'],
      ...['reasoning_summary_part.added', 'reasoning_summary_text.delta', 'reasoning_summary_text.done'],
      ...['reasoning_summary_part.done', 'output_item.done', 'output_item.added', 'content_part.added'],
      ...['output_text.delta', 'output_text.done', 'content_part.done', 'output_item.done', 'output_item.added'],
      ...['function_call_arguments.delta', 'function_call_arguments.done', 'output_item.done', 'completed'],
    ]);
    const items = events.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item);
    expect(events.at(-1)).toMatchObject({
      response: {
        id: 'resp_made-up',
        status: 'completed',
        output: items,
        output_text: 'Hi',
        usage: { total_tokens: 120 },
      },
    });
    expect(items[0]).toMatchObject({ encrypted_content: 'sbsig.anthropic-messages.E' });
  });

  it('ends in the same response that is not streamed', () => {
    fc.assert(
      fc.property(arbitraryStream, (events) => {
        const parts = partsOf(events);
        const end = events.at(-1) as StreamEvent & { type: 'finish' };
        const reply = {
          id: '',
          model: '',
          parts,
          finish: end.reason,
          unmapped: [],
          ...(end.usage && { usage: end.usage }),
        };
        const whole = throughJson(encodeReply(reply, SHOWN).body);
        expect(told(encode(events).text).at(-1)?.response).toEqual(whole);
      }),
      RUNS,
    );
  });

  it('tells the request back, and what it cost', () => {
    const context = { ...SHOWN, request: { instructions: 'Be short' }, costUsd: () => 0.25 };
    const events = told(encode([START, { type: 'finish', reason: 'stop', usage: SPENT }], context).text);
    expect(events[0]).toMatchObject({ response: { instructions: 'Be short', status: 'in_progress', output: [] } });
    expect(events.at(-1)).toMatchObject({ response: { instructions: 'Be short', usage: { cost_usd: 0.25 } } });
  });

  it('has texts and refusals in a row in one message, and cites when the text is whole', () => {
    const annotation = { type: 'url_citation', url: 'u' };
    const cited = block(
      { type: 'text' },
      { type: 'citation', citation: annotation },
      { type: 'text-delta', text: 'a' },
    );
    const refused = block({ type: 'refusal' }, { type: 'refusal-delta', text: 'No' });
    const events = told(encode([START, ...cited, ...refused, { type: 'finish', reason: 'refusal' }]).text);
    expect(events.at(-1)).toMatchObject({
      type: 'response.completed',
      response: { output: [{ content: [{ text: 'a', annotations: [annotation] }, { refusal: 'No' }] }] },
    });
    expect(events.filter(({ type }) => type === 'response.output_text.annotation.added')).toMatchObject([
      { annotation, annotation_index: 0, content_index: 0 },
    ]);
  });

  it('has calls of every kind, with arguments always', () => {
    const { text, losses } = encode([
      START,
      ...block({ type: 'tool-call', id: 'c1', name: `files${NAMESPACE_SEPARATOR}read` }),
      ...block({ type: 'tool-call', id: 'c2', name: 'patch', custom: true }, { type: 'arguments-delta', json: '***' }),
      ...block({ type: 'tool-call', id: 'c3', name: TOOL_SEARCH }, { type: 'arguments-delta', json: '{"q":1}' }),
      ...block({ type: 'opaque', dialect: 'anthropic-messages', wire: { type: 'server_tool_use' } }),
      ...block({ type: 'opaque', dialect: 'openai-responses', wire: { type: 'web_search_call', id: 'ws' } }),
      { type: 'finish', reason: 'stop-sequence', stopSequence: 'X' },
    ]);
    expect(told(text).at(-1)?.response).toMatchObject({
      output: [
        { type: 'function_call', namespace: 'files', name: 'read', arguments: '{}' },
        { type: 'custom_tool_call', call_id: 'c2', input: '***' },
        { type: 'tool_search_call', call_id: 'c3', arguments: { q: 1 } },
        { type: 'web_search_call', id: 'ws' },
      ],
    });
    expect(losses).toEqual(['block.server_tool_use', 'stop_sequence']);
  });

  it('calls what the limit cut off incomplete', () => {
    const events = told(encode([START, ...said('Hi'), { type: 'finish', reason: 'length' }]).text);
    expect(events.at(-2)).toMatchObject({ type: 'response.output_item.done', item: { status: 'incomplete' } });
    expect(events.at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
    });
  });

  it('keeps alive with comments, and says nothing after its end', () => {
    const { text } = encode([{ type: 'ping' }]);
    expect(text).toBe(': keepalive\n\n');
    const finish: StreamEvent = { type: 'finish', reason: 'stop' };
    expect(encode([START, finish, ...said('x'), finish]).text).toBe(encode([START, finish]).text);
  });

  it('tells a failure twice, with the output there was', () => {
    const events = told(
      encode([
        START,
        ...said('Hi'),
        ...block({ type: 'thinking' }),
        { type: 'error', error: { kind: 'timeout', message: 'Too slow' } },
      ]).text,
    );
    expect(events.slice(-2)).toMatchObject([
      { type: 'error', message: 'Too slow' },
      {
        type: 'response.failed',
        response: { status: 'failed', error: { message: 'Too slow' }, output: [{ type: 'message' }] },
      },
    ]);
  });

  it('is read by the SDK’s helper and by our own decoder, whatever it says', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryStream, cuts, async (events, places) => {
        const { bytes } = encode(events);
        const all = readStream(events);
        const response = await sdk(bytes, places).stream({ model: 'm', input: 'Hi' }).finalResponse();
        expect(response.output_text).toBe(all.text);
        const calls = response.output.flatMap((item) => (item.type === 'function_call' ? [item] : []));
        const spelled = all.calls.map(({ id, name, arguments: json }) => [
          id,
          name,
          json.trim() === '' ? `${json}{}` : json,
        ]);
        expect(calls.map((item) => [item.call_id, item.name, item.arguments])).toEqual(spelled);
        const back = readStream(decodeBytes(new ResponsesStreamDecoder({ toolNames: new Map() }), bytes));
        expect(back).toMatchObject({ text: all.text, thinking: all.thinking, refusal: all.refusal });
        expect([back.signatures, back.redacted]).toEqual([all.signatures, all.redacted]);
      }),
      RUNS,
    );
  });

  it('makes the SDK raise when it failed, anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryFailedStream, cuts, async (events, places) => {
        const { bytes } = encode(events);
        const stream = sdk(bytes, places).stream({ model: 'm', input: 'Hi' });
        await expect(stream.finalResponse()).rejects.toThrow('It broke');
      }),
      RUNS,
    );
  });
});

function partsOf(events: readonly StreamEvent[]) {
  const parts: Parameters<typeof encodeReply>[0]['parts'] = [];
  for (const event of events) {
    const last = parts.at(-1);
    if (event.type === 'block-start') {
      const { block: start } = event;
      if (start.type === 'tool-call') parts.push({ ...start, arguments: '' });
      else if (start.type === 'redacted-thinking' || start.type === 'opaque') parts.push(start);
      else parts.push({ type: start.type, text: '' });
    } else if (event.type === 'arguments-delta' && last?.type === 'tool-call') last.arguments += event.json;
    else if (event.type === 'signature-delta' && last?.type === 'thinking') {
      last.signature = event.signature;
      if (event.signedBy) last.signedBy = event.signedBy;
    } else if ('text' in event && last && 'text' in last) last.text += event.text;
  }
  return parts;
}
