import fc from 'fast-check';
import OpenAI from 'openai';
import { cutBytes, decodeBytes, readStream } from '../../__fixtures__/stream-grammar';
import type { TapContext } from '../../dialect';
import type { JsonObject } from '../../json';
import { deltaChunk, DONE_EVENT, finishChunk, scriptedStream } from './__fixtures__/chunk.arbitrary';
import { SERVED_STREAMS } from './__fixtures__/servers';
import { tapReply } from './reply-tap';
import { ChatStreamDecoder } from './stream';
import { ChatStreamTap } from './stream-tap';

const SHOWN: TapContext = { model: 'shown', includeUsage: true, repair: true };
const FINISHES: Record<string, string> = { 'tool-calls': 'tool_calls' };

function tapped(sse: string, cuts: readonly number[] = [], context = SHOWN) {
  const tap = new ChatStreamTap(context);
  const pieces = cutBytes(Buffer.from(sse), cuts).map((piece) => tap.push(piece));
  return { tap, text: Buffer.concat([...pieces, tap.end('completed')]).toString() };
}

/** The message that OpenAI's own client makes of a stream; it throws where something is missing. */
async function assembled(sse: string) {
  const answer = () => Promise.resolve(new Response(sse, { headers: { 'content-type': 'text/event-stream' } }));
  const client = new OpenAI({ apiKey: 'k', baseURL: 'http://127.0.0.1:9', maxRetries: 0, fetch: answer });
  const stream = client.chat.completions.stream({ model: 'm', messages: [{ role: 'user', content: 'Hi' }] });
  return (await stream.finalChatCompletion()).choices[0]!;
}

describe.each(Object.entries(SERVED_STREAMS))('%s', (_, served) => {
  it('is read as it was meant', () => {
    const decoder = new ChatStreamDecoder({ toolNames: new Map() });
    const events = decodeBytes(decoder, Buffer.from(served.sse), 'completed');
    const { thinking, text, calls, end } = readStream(events);
    expect({ thinking, text, calls }).toEqual({
      ...{ thinking: served.thinking ?? '', text: served.text ?? '', calls: served.calls ?? [] },
    });
    expect(end).toMatchObject({ type: 'finish', reason: served.finish });
    const usage = end?.type === 'finish' ? end.usage : undefined;
    expect(usage && [usage.inputTokens, usage.outputTokens]).toEqual(served.usage);
    expect(events.filter(({ type }) => type === 'loss')).toEqual([]);
  });

  it('is passed on so that a client of OpenAI reads it so too, in whatever pieces it comes', async () => {
    const { tap, text } = tapped(served.sse);
    const { message, finish_reason: finish } = await assembled(text);
    expect({ role: message.role, text: message.content ?? '', finish }).toEqual({
      ...{ role: 'assistant', text: served.text ?? '', finish: FINISHES[served.finish] ?? served.finish },
    });
    const calls = (message.tool_calls ?? []).map(
      (call) => call.type === 'function' && { id: call.id, ...call.function },
    );
    expect(calls).toMatchObject(served.calls ?? []);
    expect(tap).toMatchObject({ finish: served.finish, failure: undefined });
    expect(tap.usage && [tap.usage.inputTokens, tap.usage.outputTokens]).toEqual(served.usage);
    const cuts = Array.from(served.sse, (_letter, index) => index).filter((index) => index % 7 === 0);
    expect(tapped(served.sse, cuts).text).toBe(text);
  });
});

describe('a stream that is repaired', () => {
  it('says the same, for any interleaving', () => {
    const read = (sse: string) => {
      const decoder = new ChatStreamDecoder({ toolNames: new Map() });
      return readStream(decodeBytes(decoder, Buffer.from(sse), 'completed'));
    };
    fc.assert(
      fc.property(scriptedStream, ({ deltas }) => {
        const sse = deltas.map(deltaChunk).join('') + finishChunk('stop') + DONE_EVENT;
        expect(read(tapped(sse).text)).toEqual(read(sse));
      }),
      { numRuns: 100 },
    );
  });

  const delta = (members: JsonObject, finish: string | null = null): string =>
    `data: ${JSON.stringify({ id: 'r', model: 'shown', choices: [{ index: 0, delta: members, finish_reason: finish }] })}\n\n`;
  const named = { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } };
  const more = (text: string) => ({ tool_calls: [{ index: 0, function: { arguments: text } }] });
  const whole =
    delta({ role: 'assistant', content: '' }) +
    delta({ content: 'Hi' }) +
    delta({ tool_calls: [named] }) +
    [...'{"x":1}'].map((text) => delta(more(text))).join('') +
    delta({}, 'tool_calls') +
    'data: [DONE]\n\n';

  it('is passed on to the byte where nothing is amiss', () => {
    expect(tapped(whole).text).toBe(whole);
  });

  it('is the upstream’s own where nobody asks for repair', () => {
    const { sse } = SERVED_STREAMS['Ollama before it numbered calls']!;
    expect(tapped(sse, [], { model: 'up', includeUsage: true }).text).toBe(sse);
  });

  it('is ended where the upstream only closed it', () => {
    expect(tapped(whole.replace('data: [DONE]\n\n', '')).text).toBe(whole);
  });

  it.each(['abort', 'error'])('fails where the upstream ended it with %s', (word) => {
    const { tap, text } = tapped(delta({ role: 'assistant', content: 'Hal' }) + delta({}, word) + 'data: [DONE]\n\n');
    expect(tap.failure?.kind).toBe('truncated');
    expect(text).toMatch(/"error":\{"message":"The upstream [^}]*\}\}\n\n$/);
    expect(text).not.toContain(word === 'abort' ? 'abort"' : '"finish_reason":"error"');
  });

  it('has told its usage when it is over, not before', () => {
    const { sse } = SERVED_STREAMS['vLLM, with usage on every chunk']!;
    const end = sse.indexOf('"finish_reason":"stop"');
    const tap = new ChatStreamTap(SHOWN);
    tap.push(Buffer.from(sse.slice(0, end)));
    expect([tap.usage?.outputTokens, tap.usageIsFinal]).toEqual([2, false]);
    tap.push(Buffer.from(sse.slice(end)));
    expect([tap.usage?.outputTokens, tap.usageIsFinal]).toEqual([3, true]);
  });
});

describe('a whole reply', () => {
  const reply = (message: JsonObject, more: JsonObject = {}): Buffer =>
    Buffer.from(JSON.stringify({ id: 'r', model: 'shown', choices: [{ index: 0, message, ...more }] }));
  const call = (members: JsonObject): JsonObject => ({ function: { name: 'f', arguments: '{}' }, ...members });
  const read = (body: Buffer, context = SHOWN): OpenAI.ChatCompletion.Choice => {
    const completion = JSON.parse(tapReply(body, context).body.toString()) as OpenAI.ChatCompletion;
    return completion.choices[0]!;
  };

  it.each<[string, JsonObject, object]>([
    ['calls without ids and types', { tool_calls: [call({}), call({ id: '' })] }, { id: 'call_r_1', type: 'function' }],
    [
      'arguments that are an object',
      { tool_calls: [call({ function: { name: 'f', arguments: { x: 1 } } })] },
      { function: { name: 'f', arguments: '{"x":1}' } },
    ],
    ['no arguments', { tool_calls: [call({ function: { name: 'f' } })] }, { function: { arguments: '{}' } }],
    ['its only call in place of a list', { tool_calls: call({ id: 'a' }) }, { id: 'a', type: 'function' }],
  ])('with %s gets what they lack, and the end that is true', (_, message, last) => {
    for (const finish of ['stop', null, '']) {
      const choice = read(reply({ role: 'assistant', content: null, ...message }, { finish_reason: finish }));
      expect(choice.message.tool_calls?.at(-1)).toMatchObject(last);
      expect(choice.finish_reason).toBe('tool_calls');
    }
  });

  it('with nothing amiss is passed on as the very same Buffer', () => {
    const calls = [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }];
    const body = reply({ role: 'assistant', content: null, tool_calls: calls }, { finish_reason: 'tool_calls' });
    expect(tapReply(body, SHOWN)).toMatchObject({ finish: 'tool-calls' });
    expect(tapReply(body, SHOWN).body).toBe(body);
    const broken = reply({ tool_calls: [call({})] }, { finish_reason: 'stop' });
    expect(tapReply(broken, { model: 'shown', includeUsage: true }).body).toBe(broken);
  });

  it.each<[string, Buffer, string]>([
    ['was given up', reply({ content: 'Hal' }, { finish_reason: 'abort' }), 'gave the reply up'],
    ['holds an error beside no choices', Buffer.from('{"error":{"message":"Boom"},"choices":[]}'), 'Boom'],
    ['holds no choices', Buffer.from('{"id":"r","choices":[]}'), 'not a reply'],
  ])('that %s is none', (_, body, words) => {
    expect(tapReply(body, SHOWN).failure?.message).toContain(words);
  });
});
