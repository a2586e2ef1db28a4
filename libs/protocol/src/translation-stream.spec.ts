import fc from 'fast-check';
import { decodeBytes, readStream, type Collected } from './__fixtures__/stream-grammar';
import { SHOWN, translateStream } from './__fixtures__/translate';
import { arbitraryFailedStream, arbitraryStream } from './conversation.arbitrary';
import type { Dialect } from './dialect';
import {
  deltaChunk,
  DONE_EVENT,
  finishChunk,
  scriptedStream,
  USAGE,
  usageChunk,
} from './dialects/openai-chat/__fixtures__/chunk.arbitrary';
import { DIALECTS } from './dialects/registry';
import type { StreamEvent } from './stream-event';

const { 'anthropic-messages': anthropicMessages, 'openai-chat': openaiChat } = DIALECTS;

const PAIRS = Object.values(DIALECTS).flatMap((upstream) =>
  Object.values(DIALECTS)
    .filter((client) => client !== upstream)
    .map((client) => [upstream.id, client.id, upstream, client] as const),
);

/** What only a reply that is complete holds. */
const COMPLETE = /^(data: \[DONE\]|event: message_stop|event: response\.(completed|incomplete))$/m;

/** Where the first event begins that tells of the end. Chat's reply is complete, but for its usage, at the finish_reason. */
const END = /data: \{[^\n]*"finish_reason":"|event: message_stop|event: response\.(completed|incomplete)\n/;

const RUNS = { numRuns: 40 };

const cuts = fc.array(fc.nat(8000), { maxLength: 12 });

function bytesOf(dialect: Dialect, events: readonly StreamEvent[]): Buffer {
  const encoder = dialect.streamEncoder(SHOWN);
  return Buffer.from(events.map((event) => encoder.push(event)).join(''));
}

function heardBy(client: Dialect, text: string): Collected {
  return readStream(decodeBytes(client.streamDecoder({ toolNames: new Map() }), Buffer.from(text)));
}

/** What all dialects can say; a refusal is text to Anthropic clients, and "no arguments" is an empty object. */
function said({ text, refusal, thinking, calls }: Collected): object {
  const spelled = calls.map((call) => ({ ...call, arguments: call.arguments || '{}' }));
  return { length: text.length + refusal.length, thinking, calls: spelled };
}

describe.each(PAIRS)('%s upstream, %s client', (_, __, upstream, client) => {
  it('says all that the upstream said, in balanced blocks, for any split of the bytes', () => {
    fc.assert(
      fc.property(arbitraryStream, cuts, (events, places) => {
        const bytes = bytesOf(upstream, events);
        const told = heardBy(upstream, bytes.toString());
        const { text, losses } = translateStream(upstream, client, bytes, 'completed', places);
        const heard = heardBy(client, text);
        expect(said(heard)).toEqual(said(told));
        expect(heard.end?.type).toBe('finish');
        const usageOf = ({ end }: Collected) => (end?.type === 'finish' ? end.usage : undefined);
        expect(usageOf(heard) ?? null).toEqual(usageOf(told) ?? null);
        const names = new Set(losses.map(({ feature }) => feature));
        if (!names.has('thinking.signature')) expect(heard.signatures).toEqual(told.signatures);
        if (!names.has('redacted_thinking')) expect(heard.redacted).toEqual(told.redacted);
      }),
      RUNS,
    );
  });

  it('never tells the client of success when the upstream failed, and says why', () => {
    fc.assert(
      fc.property(arbitraryFailedStream, cuts, (events, places) => {
        const { text } = translateStream(upstream, client, bytesOf(upstream, events), 'completed', places);
        expect(text).not.toMatch(COMPLETE);
        expect(heardBy(client, text).end).toMatchObject({ type: 'error', error: { message: 'It broke' } });
      }),
      RUNS,
    );
  });

  it('never tells the client of success when the bytes stop early, anywhere, however they stop', () => {
    const how = fc.constantFrom('completed', 'truncated', 'aborted');
    fc.assert(
      fc.property(arbitraryStream, fc.nat(), how, cuts, (events, cutAt, ending, places) => {
        const whole = bytesOf(upstream, events);
        const text = whole.toString();
        const sent = whole.subarray(0, cutAt % Buffer.byteLength(text.slice(0, text.search(END))));
        const { text: shown } = translateStream(upstream, client, sent, ending as 'completed', places);
        expect(shown).not.toMatch(COMPLETE);
        expect(heardBy(client, shown).end?.type).toBe('error');
      }),
      RUNS,
    );
  });

  it('ends in an error where the upstream sends garbage', () => {
    fc.assert(
      fc.property(
        arbitraryStream,
        fc.nat(),
        fc.constantFrom('{"a":', '<html>', '7', '"x"', 'null'),
        (events, at, junk) => {
          const frames = bytesOf(upstream, events)
            .toString()
            .split(/(?<=\n\n)/);
          frames.splice(at % Math.max(1, frames.length - 2), 0, `data: ${junk}\n\n`);
          const { text } = translateStream(upstream, client, Buffer.from(frames.join('')));
          expect(text).not.toMatch(COMPLETE);
          expect(heardBy(client, text).end).toMatchObject({ type: 'error' });
        },
      ),
      RUNS,
    );
  });
});

describe('Chat upstream, Anthropic client: calls interleaved in any way', () => {
  it('loses no text and no argument, one block open at a time', () => {
    fc.assert(
      fc.property(scriptedStream, cuts, ({ reply, deltas }, places) => {
        const bytes = Buffer.from(
          deltas.map(deltaChunk).join('') + finishChunk('tool_calls') + usageChunk(USAGE) + DONE_EVENT,
        );
        const { text } = translateStream(openaiChat, anthropicMessages, bytes, 'completed', places);
        const heard = heardBy(anthropicMessages, text);
        expect(heard.text).toHaveLength([...reply.texts, ...reply.refusals].join('').length);
        expect(heard.thinking).toBe(reply.thinking.join(''));
        const byId = new Map(heard.calls.map((call) => [call.id, call]));
        for (const { id, name, pieces } of reply.calls) {
          expect(byId.get(id)).toEqual({ id, name, arguments: pieces.join('') });
        }
        expect(byId.size).toBe(reply.calls.length);
        expect(heard.end).toMatchObject({ type: 'finish', usage: { inputTokens: 10, outputTokens: 5 } });
      }),
      { numRuns: 300 },
    );
  });
});
