import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { UpstreamDialect } from './gateway-config';
import { httpChunk, LAST_CHUNK, STREAM_HEAD } from './raw-upstream';

const PIECE_BYTES = 32 * 1024;

/** A stream of a given length, the same every time, in a dialect's own events. */
export interface LongStream {
  pieces: number;
  event(index: number): string;
  closing: string;
  opening: string;
}

export function longStream(dialect: UpstreamDialect, model: string, totalBytes: number): LongStream {
  const pieces = Math.ceil(totalBytes / PIECE_BYTES);
  return dialect === 'anthropic' ? messagesStream(model, pieces) : chatStream(model, pieces);
}

/** The text of one piece; every one differs, so that a lost or doubled one shows. */
export function pieceText(index: number): string {
  return `${index}:`.padEnd(PIECE_BYTES, 'abcdefghijklmnopqrstuvwxyz ');
}

/** SHA-256 of all the text of a stream. */
export function textDigest(pieces: number): string {
  const hash = createHash('sha256');
  for (let index = 0; index < pieces; index++) hash.update(pieceText(index));
  return hash.digest('hex');
}

function messagesStream(model: string, pieces: number): LongStream {
  const event = (name: string, more: object) => `event: ${name}\ndata: ${JSON.stringify({ type: name, ...more })}\n\n`;
  const message = { id: 'msg_long', type: 'message', role: 'assistant', model, content: [] };
  const delta = { stop_reason: 'end_turn', stop_sequence: null };
  return {
    pieces,
    opening:
      event('message_start', { message: { ...message, usage: { input_tokens: 11, output_tokens: 0 } } }) +
      event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    event: (index) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: pieceText(index) } }),
    closing:
      event('content_block_stop', { index: 0 }) +
      event('message_delta', { delta, usage: { output_tokens: pieces } }) +
      event('message_stop', {}),
  };
}

function chatStream(model: string, pieces: number): LongStream {
  const head = { id: 'chatcmpl-long', object: 'chat.completion.chunk', created: 1, model };
  const chunk = (delta: object, finish: string | null) =>
    `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  const usage = { prompt_tokens: 11, completion_tokens: pieces, total_tokens: 11 + pieces };
  return {
    pieces,
    opening: chunk({ role: 'assistant', content: '' }, null),
    event: (index) => chunk({ content: pieceText(index) }, null),
    closing: `${chunk({}, 'stop')}data: ${JSON.stringify({ ...head, choices: [], usage })}\n\ndata: [DONE]\n\n`,
  };
}

/** Sends a long stream as fast as its reader takes it; `onSent` hears how many bytes the socket has taken. */
export function sendLongStream(socket: Socket, stream: LongStream, onSent: (bytes: number) => void): void {
  let sent = 0;
  let index = 0;
  const send = (text: string): boolean => {
    const bytes = httpChunk(text);
    sent += bytes.length;
    onSent(sent);
    return socket.write(bytes);
  };
  const more = (): void => {
    while (index < stream.pieces) {
      if (!socket.writable) return;
      if (!send(stream.event(index++))) {
        socket.once('drain', more);
        return;
      }
    }
    send(stream.closing);
    socket.write(LAST_CHUNK);
  };
  socket.write(STREAM_HEAD);
  send(stream.opening);
  more();
}

/** Reads the text of a stream as it comes, without keeping it. */
export class StreamedTextDigest {
  private readonly hash = createHash('sha256');
  private rest = '';

  push(bytes: Buffer): void {
    const blocks = (this.rest + bytes.toString('latin1')).split('\n\n');
    this.rest = blocks.pop() ?? '';
    for (const block of blocks) this.take(block);
  }

  digest(): string {
    return this.hash.digest('hex');
  }

  private take(block: string): void {
    const data = /^data: (.*)$/m.exec(block)?.[1];
    if (data === undefined || data === '[DONE]') return;
    const event = JSON.parse(data) as {
      delta?: { text?: string };
      choices?: { delta?: { content?: string | null } }[];
    };
    this.hash.update(event.delta?.text ?? event.choices?.[0]?.delta?.content ?? '');
  }
}
