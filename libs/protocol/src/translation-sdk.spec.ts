import Anthropic from '@anthropic-ai/sdk';
import AnthropicBefore1 from '@anthropic-ai/sdk-0x';
import fc from 'fast-check';
import OpenAI from 'openai';
import OpenAI4 from 'openai-4x';
import { READ_WITH_SDK, sdkOptions } from './__fixtures__/sdk-clients';
import { cutBytes, readStream } from './__fixtures__/stream-grammar';
import { SHOWN, translateStream } from './__fixtures__/translate';
import { arbitraryFailedStream, arbitraryStream } from './conversation.arbitrary';
import type { Dialect, DialectId } from './dialect';
import { DIALECTS } from './dialects/registry';
import type { StreamEvent } from './stream-event';
import { totalInputTokens, type Usage } from './usage';

const RUNS = { numRuns: 12 };
const cuts = fc.array(fc.nat(8000), { maxLength: 8 });
const ASK = [{ role: 'user' as const, content: 'Hi' }];

/** What a client made of a stream. */
interface Heard {
  text: string;
  /** Text to Anthropic's clients. */
  refusal: string;
  /** `undefined` where the SDK does not show it. */
  thinking: string | undefined;
  calls: { id: string; name: string; json: string }[];
  /** Absent where the upstream told none: dialects that must show some show none. */
  tokens: number;
  /** How often it was told that the reply is complete. */
  ends: number;
}

type Listen = (pieces: readonly Uint8Array[]) => Promise<Heard>;

function nothing(): Heard {
  return { text: '', refusal: '', thinking: '', calls: [], tokens: 0, ends: 0 };
}

function listenToChat(Sdk: typeof OpenAI): Listen {
  return async (pieces) => {
    const heard = { ...nothing(), thinking: undefined };
    const request = { model: 'm', messages: ASK, stream: true as const };
    for await (const chunk of await new Sdk(sdkOptions(pieces)).chat.completions.create(request)) {
      const choice = chunk.choices[0];
      heard.text += choice?.delta.content ?? '';
      heard.refusal += choice?.delta.refusal ?? '';
      heard.ends += choice?.finish_reason ? 1 : 0;
      heard.tokens = chunk.usage?.total_tokens ?? heard.tokens;
      for (const { index, id, function: details } of choice?.delta.tool_calls ?? []) {
        const call = (heard.calls[index] ??= { id: id ?? '', name: details?.name ?? '', json: '' });
        call.json += details?.arguments ?? '';
      }
    }
    return heard;
  };
}

function listenToMessages(Sdk: typeof Anthropic): Listen {
  return async (pieces) => {
    const heard = { ...nothing(), thinking: '' };
    let input = 0;
    const inputOf = (usage: {
      input_tokens: number | null;
      cache_read_input_tokens: number | null;
      cache_creation_input_tokens: number | null;
    }) => (usage.input_tokens ?? 0) + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0);
    const request = { model: 'm', max_tokens: 10, messages: ASK, stream: true as const };
    for await (const event of await new Sdk(sdkOptions(pieces)).messages.create(request)) {
      if (event.type === 'content_block_start' && event.content_block.type === 'tool_use')
        heard.calls.push({ id: event.content_block.id, name: event.content_block.name, json: '' });
      else if (event.type === 'message_start') input = inputOf(event.message.usage);
      else if (event.type === 'message_stop') heard.ends += 1;
      else if (event.type === 'message_delta')
        heard.tokens = event.usage.output_tokens + (inputOf(event.usage) || input);
      if (event.type !== 'content_block_delta') continue;
      if (event.delta.type === 'text_delta') heard.text += event.delta.text;
      else if (event.delta.type === 'thinking_delta') heard.thinking += event.delta.thinking;
      else if (event.delta.type === 'input_json_delta') {
        const call = heard.calls.at(-1);
        if (call) call.json += event.delta.partial_json;
      }
    }
    return heard;
  };
}

function listenToResponses(Sdk: typeof OpenAI): Listen {
  return async (pieces) => {
    const heard = { ...nothing(), thinking: '' };
    let sequence = -1;
    for await (const event of await new Sdk(sdkOptions(pieces)).responses.create({
      model: 'm',
      input: 'Hi',
      stream: true,
    })) {
      expect(event.sequence_number).toBe(++sequence);
      if (event.type === 'response.output_text.delta') heard.text += event.delta;
      else if (event.type === 'response.refusal.delta') heard.refusal += event.delta;
      else if (event.type === 'response.reasoning_summary_text.delta') heard.thinking += event.delta;
      else if (event.type === 'response.output_item.done' && event.item.type === 'function_call')
        heard.calls.push({ id: event.item.call_id, name: event.item.name, json: event.item.arguments });
      else if (event.type === 'response.completed' || event.type === 'response.incomplete') {
        heard.ends += 1;
        heard.tokens = event.response.usage?.total_tokens ?? 0;
      } else if (event.type === 'error' || event.type === 'response.failed') throw new Error(failureOf(event));
    }
    return heard;
  };
}

function failureOf(event: {
  type: string;
  message?: string;
  response?: { error: { message: string } | null };
}): string {
  return event.message ?? event.response?.error?.message ?? event.type;
}

/** Every SDK that reads streams of a dialect: the current one, and those that others still have. */
const SDKS: readonly (readonly [name: string, dialect: DialectId, listen: Listen])[] = [
  ['openai 7', 'openai-chat', listenToChat(OpenAI)],
  ['openai 4', 'openai-chat', listenToChat(OpenAI4 as unknown as typeof OpenAI)],
  ['@anthropic-ai/sdk 1', 'anthropic-messages', listenToMessages(Anthropic)],
  ['@anthropic-ai/sdk 0', 'anthropic-messages', listenToMessages(AnthropicBefore1 as unknown as typeof Anthropic)],
  ['openai 7', 'openai-responses', listenToResponses(OpenAI)],
  ['openai 4', 'openai-responses', listenToResponses(OpenAI4 as unknown as typeof OpenAI)],
];

const CASES = SDKS.flatMap(([name, client, listen]) =>
  Object.values(DIALECTS).map((upstream) => [name, client, upstream.id, upstream, listen] as const),
);

/** The bytes that a client of one dialect gets of these events from an upstream of another, in pieces. */
function served(
  upstream: Dialect,
  client: Dialect,
  events: readonly StreamEvent[],
  places: readonly number[],
): Buffer[] {
  const encoder = upstream.streamEncoder(SHOWN);
  const bytes = Buffer.from(events.map((event) => encoder.push(event)).join(''));
  return cutBytes(Buffer.from(translateStream(upstream, client, bytes).text), places);
}

/** Calls without arguments reach clients as an empty object. */
function callsSaid(events: readonly StreamEvent[]): Heard['calls'] {
  return readStream(events).calls.map(({ id, name, arguments: json }) => ({ id, name, json: json || '{}' }));
}

function tokensSaid(events: readonly StreamEvent[]): number {
  const { end } = readStream(events);
  const usage: Usage | undefined = end?.type === 'finish' ? end.usage : undefined;
  return usage === undefined ? 0 : totalInputTokens(usage) + usage.outputTokens;
}

describe.each(CASES)('%s, %s, over %s', (_, clientId, __, upstream, listen) => {
  const client = DIALECTS[clientId];

  it('reads every text, thought, call and token of any stream', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryStream, cuts, async (events, places) => {
        const heard = await listen(served(upstream, client, events, places));
        const said = readStream(events);
        expect(heard.text.length + heard.refusal.length).toBe(said.text.length + said.refusal.length);
        if (heard.thinking !== undefined) expect(heard.thinking).toBe(said.thinking);
        expect(heard.calls.map((call) => ({ ...call, json: call.json || '{}' }))).toEqual(callsSaid(events));
        expect([heard.ends, heard.tokens]).toEqual([1, tokensSaid(events)]);
      }),
      RUNS,
    );
  });

  it('raises on any stream that failed', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryFailedStream, cuts, async (events, places) => {
        await expect(listen(served(upstream, client, events, places))).rejects.toThrow('It broke');
      }),
      RUNS,
    );
  });
});

describe.each(Object.values(DIALECTS).map((dialect) => [dialect.id, dialect] as const))('%s', (id, client) => {
  it('is accepted by the helper of the current SDK, whichever upstream served, for any stream', async () => {
    const upstreams = fc.constantFrom(...Object.values(DIALECTS));
    await fc.assert(
      fc.asyncProperty(arbitraryStream, upstreams, cuts, async (events, upstream, places) => {
        await READ_WITH_SDK[id](served(upstream, client, events, places));
      }),
      { numRuns: 60 },
    );
  });
});
