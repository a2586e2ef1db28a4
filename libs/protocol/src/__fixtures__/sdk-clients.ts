import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import type { DialectId } from '../dialect';
import type { JsonObject } from '../json';
import { throughJson } from './translate';

const KEY = 'not-a-key';
const BASE_URL = 'http://127.0.0.1:9';

/** A `fetch` that answers with these bytes, in these pieces. No socket is opened. */
export function answering(pieces: readonly Uint8Array[]): typeof fetch {
  return () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(new Uint8Array(piece));
        controller.close();
      },
    });
    return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
  };
}

export function sdkOptions(pieces: readonly Uint8Array[]) {
  return { apiKey: KEY, baseURL: BASE_URL, maxRetries: 0, fetch: answering(pieces) };
}

const ASK = [{ role: 'user' as const, content: 'Hi' }];

/**
 * What the client's own SDK puts together of a stream, in the shape of the reply that is not streamed; with what the SDK reads
 * but does not keep (`written`, the text of a call's arguments; `reasoning_content`). Throws what the SDK throws.
 */
export const READ_WITH_SDK: Record<DialectId, (pieces: readonly Uint8Array[]) => Promise<JsonObject>> = {
  'anthropic-messages': async (pieces) => {
    const stream = new Anthropic(sdkOptions(pieces)).messages.stream({ model: 'm', max_tokens: 10, messages: ASK });
    const written: string[] = [];
    // Of arguments that were cut off, the SDK's `input` shows only what is whole.
    stream.on('streamEvent', (event) => {
      if (event.type === 'content_block_delta' && event.delta.type === 'input_json_delta')
        written[event.index] = (written[event.index] ?? '') + event.delta.partial_json;
    });
    const message = plain(await stream.finalMessage());
    written.forEach((json, index) =>
      Object.assign((message['content'] as JsonObject[])[index] ?? {}, { written: json }),
    );
    return message;
  },
  'openai-chat': async (pieces) => {
    const stream = new OpenAI(sdkOptions(pieces)).chat.completions.stream({ model: 'm', messages: ASK });
    let thinking = '';
    // Not OpenAI's, so their SDK keeps the last piece of it only.
    stream.on('chunk', ({ choices: [choice] }) => {
      const piece = (choice?.delta as { reasoning_content?: string } | undefined)?.reasoning_content;
      thinking += piece ?? '';
    });
    const completion = plain(await stream.finalChatCompletion());
    if (thinking !== '')
      Object.assign((completion['choices'] as JsonObject[])[0]?.['message'] ?? {}, { reasoning_content: thinking });
    return completion;
  },
  'openai-responses': async (pieces) => {
    const stream = new OpenAI(sdkOptions(pieces)).responses.stream({ model: 'm', input: ASK });
    return plain(await stream.finalResponse());
  },
};

function plain(value: object): JsonObject {
  return throughJson(value as JsonObject);
}
