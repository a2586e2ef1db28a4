import type { BenchDialect, Delivery } from './dialect';

const eventCount = 100;
const pieces = Array.from({ length: eventCount }, (_, index) => `${index % 10 === 9 ? 'word,\n' : 'word '}`);

/** What every reply says, in either dialect and however it is delivered. */
export const answerText = pieces.join('');

const anthropicUsage = { input_tokens: 250, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
const chatUsage = { prompt_tokens: 250, completion_tokens: 101, total_tokens: 351 };

function anthropicMessage(content: object[], stopReason: string | null, outputTokens: number): object {
  return {
    id: 'msg_01XFDUDYJgAACzvnptvVoYEL',
    type: 'message',
    role: 'assistant',
    model: 'claude-upstream',
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    usage: { ...anthropicUsage, output_tokens: outputTokens },
  };
}

function chatChunk(delta: object, finishReason: string | null): object {
  return {
    id: 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT',
    object: 'chat.completion.chunk',
    created: 1763650000,
    model: 'gpt-upstream',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
  };
}

const wholeBody: Readonly<Record<BenchDialect, object>> = {
  anthropic: anthropicMessage([{ type: 'text', text: answerText }], 'end_turn', 101),
  chat: {
    id: 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT',
    object: 'chat.completion',
    created: 1763650000,
    model: 'gpt-upstream',
    choices: [{ index: 0, message: { role: 'assistant', content: answerText }, logprobs: null, finish_reason: 'stop' }],
    usage: chatUsage,
  },
};

const anthropicEvent = (event: { type: string; [member: string]: unknown }) =>
  `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
const chatEvent = (event: object) => `data: ${JSON.stringify(event)}\n\n`;

/** What a stream is made of, event by event. */
const streams: Readonly<
  Record<BenchDialect, { opening: string[]; delta: (text: string) => string; closing: string[] }>
> = {
  anthropic: {
    opening: [
      { type: 'message_start', message: anthropicMessage([], null, 1) },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ].map(anthropicEvent),
    delta: (text) => anthropicEvent({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
    closing: [
      { type: 'content_block_stop', index: 0 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn', stop_sequence: null },
        usage: { output_tokens: 101 },
      },
      { type: 'message_stop' },
    ].map(anthropicEvent),
  },
  chat: {
    opening: [chatEvent(chatChunk({ role: 'assistant', content: '' }, null))],
    delta: (content) => chatEvent(chatChunk({ content }, null)),
    closing: [
      chatEvent(chatChunk({}, 'stop')),
      chatEvent({ ...chatChunk({}, null), choices: [], usage: chatUsage }),
      'data: [DONE]\n\n',
    ],
  },
};

const commonHeaders = [
  'HTTP/1.1 200 OK',
  'date: Fri, 20 Nov 2026 12:00:00 GMT',
  'request-id: req_011CSHoEeqs5C35K2UUqR7Fy',
  'server: bench',
  'via: 1.1 google',
];

function head(contentType: string, framing: string): string {
  return `${[...commonHeaders, `content-type: ${contentType}`, framing].join('\r\n')}\r\n\r\n`;
}

const httpChunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

const streamHead = head('text/event-stream; charset=utf-8', 'transfer-encoding: chunked');

/** A stream without its middle: what is written before and after the deltas, and a delta of any text. */
export function wireStream(dialect: BenchDialect): {
  opening: Buffer;
  delta: (text: string) => string;
  closing: Buffer;
} {
  const { opening, delta, closing } = streams[dialect];
  return {
    opening: Buffer.from(streamHead + opening.map(httpChunk).join('')),
    delta: (text) => httpChunk(delta(text)),
    closing: Buffer.from(closing.map(httpChunk).join('') + httpChunk('')),
  };
}

/**
 * The reply as the socket writes that make it up. Every event is an HTTP chunk of its own in both kinds of stream, so
 * they differ only in how many reads it takes to get them.
 */
export function wireReply(dialect: BenchDialect, delivery: Delivery): Buffer[] {
  if (delivery === 'whole') {
    const body = Buffer.from(JSON.stringify(wholeBody[dialect]));
    const headers = head('application/json', `content-length: ${body.length}`);
    return [Buffer.concat([Buffer.from(headers), body])];
  }
  const { opening, delta, closing } = streams[dialect];
  const chunks = [...opening, ...pieces.map(delta), ...closing].map(httpChunk);
  const last = chunks.length - 1;
  chunks[0] = streamHead + (chunks[0] ?? '');
  chunks[last] = `${chunks[last] ?? ''}${httpChunk('')}`;
  const perWrite = delivery === 'separate' ? 1 : Math.ceil(chunks.length / 4);
  const writes = [];
  for (let at = 0; at < chunks.length; at += perWrite) {
    writes.push(Buffer.from(chunks.slice(at, at + perWrite).join('')));
  }
  return writes;
}
