import Anthropic from '@anthropic-ai/sdk';
import AnthropicBefore1 from '@anthropic-ai/sdk-0x';
import fc from 'fast-check';
import OpenAI from 'openai';
import OpenAI4 from 'openai-4x';
import { cutBytes, readStream } from './__fixtures__/stream-grammar';
import { SHOWN } from './__fixtures__/translate';
import { arbitraryFailedStream, arbitraryStream } from './conversation.arbitrary';
import type { Dialect } from './dialect';
import { anthropicMessages } from './dialects/anthropic-messages/dialect';
import { openaiChat } from './dialects/openai-chat/dialect';
import type { StreamEvent } from './stream-event';
import type { Usage } from './usage';

const RUNS = { numRuns: 60 };
const KEY = 'not-a-key';
const BASE_URL = 'http://127.0.0.1:9';
const cuts = fc.array(fc.nat(8000), { maxLength: 8 });

/** A `fetch` that answers with the bytes a client of that dialect gets for these events, in pieces. No socket is opened. */
function answering(dialect: Dialect, events: readonly StreamEvent[], places: readonly number[]): typeof fetch {
  const encoder = dialect.streamEncoder(SHOWN);
  const bytes = Buffer.from(events.map((event) => encoder.push(event)).join(''));
  return () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of cutBytes(bytes, places)) controller.enqueue(new Uint8Array(piece));
        controller.close();
      },
    });
    return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
  };
}

/** Calls without arguments reach clients as an empty object. */
function callsSaid(events: readonly StreamEvent[]): object[] {
  return readStream(events).calls.map(({ id, name, arguments: json }) => ({ id, name, json: json || '{}' }));
}

function usageSaid(events: readonly StreamEvent[]): Usage | undefined {
  const { end } = readStream(events);
  return end?.type === 'finish' ? end.usage : undefined;
}

type ChatHelper = OpenAI['chat']['completions'];

describe.each([
  ['openai 7', OpenAI, (client: OpenAI): ChatHelper => client.chat.completions],
  [
    'openai 4',
    OpenAI4 as unknown as typeof OpenAI,
    // The helper was a beta then.
    (client: OpenAI): ChatHelper => (client.beta as unknown as { chat: OpenAI['chat'] }).chat.completions,
  ],
])('%s', (_, Sdk, helperOf) => {
  const open = (events: readonly StreamEvent[], places: readonly number[]) =>
    new Sdk({ apiKey: KEY, baseURL: BASE_URL, maxRetries: 0, fetch: answering(openaiChat, events, places) });
  const request = { model: 'm', messages: [{ role: 'user' as const, content: 'Hi' }], stream: true as const };

  it('reads every text, refusal, call and token of any stream', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryStream, cuts, async (events, places) => {
        const heard = {
          text: '',
          refusal: '',
          calls: [] as { id: string; name: string; json: string }[],
          total: 0,
          finishes: 0,
        };
        for await (const chunk of await open(events, places).chat.completions.create(request)) {
          const choice = chunk.choices[0];
          heard.text += choice?.delta.content ?? '';
          heard.refusal += choice?.delta.refusal ?? '';
          heard.finishes += choice?.finish_reason ? 1 : 0;
          heard.total = chunk.usage?.total_tokens ?? heard.total;
          for (const { index, id, function: details } of choice?.delta.tool_calls ?? []) {
            const call = (heard.calls[index] ??= { id: id ?? '', name: details?.name ?? '', json: '' });
            call.json += details?.arguments ?? '';
          }
        }
        const said = readStream(events);
        expect([heard.text, heard.refusal, heard.calls]).toEqual([said.text, said.refusal, callsSaid(events)]);
        const usage = usageSaid(events);
        const total = usage
          ? usage.inputTokens + usage.cacheReadTokens + usage.cacheWrite5mTokens + usage.cacheWrite1hTokens
          : 0;
        expect(heard.total).toBe(total + (usage?.outputTokens ?? 0));
        expect(heard.finishes).toBe(1);
      }),
      RUNS,
    );
  });

  it('accepts any stream in its own helper', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryStream, cuts, async (events, places) => {
        const completion = await helperOf(open(events, places)).stream(request).finalChatCompletion();
        const calls = completion.choices[0]?.message.tool_calls ?? [];
        const heard = calls.map((call) => (call.type === 'function' ? [call.id, call.function.arguments] : []));
        expect(heard).toEqual(readStream(events).calls.map(({ id, arguments: json }) => [id, json || '{}']));
      }),
      RUNS,
    );
  });

  it('raises on any stream that failed', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryFailedStream, cuts, async (events, places) => {
        const consume = async (): Promise<void> => {
          const stream = await open(events, places).chat.completions.create(request);
          for await (const chunk of stream) void chunk;
        };
        await expect(consume()).rejects.toThrow('It broke');
      }),
      RUNS,
    );
  });
});

describe.each([
  ['@anthropic-ai/sdk 1', Anthropic],
  ['@anthropic-ai/sdk 0', AnthropicBefore1 as unknown as typeof Anthropic],
])('%s', (_, Sdk) => {
  const open = (events: readonly StreamEvent[], places: readonly number[]) =>
    new Sdk({ apiKey: KEY, baseURL: BASE_URL, maxRetries: 0, fetch: answering(anthropicMessages, events, places) });
  const request = { model: 'm', max_tokens: 10, messages: [{ role: 'user' as const, content: 'Hi' }] };

  it('reads every text, thought, call and token of any stream', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryStream, cuts, async (events, places) => {
        const heard = {
          text: '',
          thinking: '',
          calls: [] as { id: string; name: string; json: string }[],
          stops: 0,
          output: 0,
        };
        for await (const event of await open(events, places).messages.create({ ...request, stream: true })) {
          if (event.type === 'content_block_start' && event.content_block.type === 'tool_use') {
            heard.calls.push({ id: event.content_block.id, name: event.content_block.name, json: '' });
          } else if (event.type === 'message_stop') heard.stops += 1;
          else if (event.type === 'message_delta') heard.output = event.usage.output_tokens;
          if (event.type !== 'content_block_delta') continue;
          if (event.delta.type === 'text_delta') heard.text += event.delta.text;
          else if (event.delta.type === 'thinking_delta') heard.thinking += event.delta.thinking;
          else if (event.delta.type === 'input_json_delta') {
            const call = heard.calls.at(-1);
            if (call) call.json += event.delta.partial_json;
          }
        }
        const said = readStream(events);
        expect(heard.text).toHaveLength(said.text.length + said.refusal.length);
        expect(heard.thinking).toBe(said.thinking);
        expect(heard.calls.map((call) => ({ ...call, json: call.json || '{}' }))).toEqual(callsSaid(events));
        expect([heard.stops, heard.output]).toEqual([1, usageSaid(events)?.outputTokens ?? 0]);
      }),
      RUNS,
    );
  });

  it('raises on any stream that failed', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryFailedStream, cuts, async (events, places) => {
        const consume = async (): Promise<void> => {
          const stream = await open(events, places).messages.create({ ...request, stream: true });
          for await (const event of stream) void event;
        };
        await expect(consume()).rejects.toThrow('It broke');
      }),
      RUNS,
    );
  });
});
