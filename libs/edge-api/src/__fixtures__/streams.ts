import type { IncomingMessage, ServerResponse } from 'node:http';
import { until } from './keys-bucket';

/** A stream that an upstream sends event by event, as a test says. */
export class UpstreamStream {
  /** The gateway closed the connection before the end. */
  cancelled = false;
  private response: ServerResponse | undefined;

  readonly answer = (_: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    response.on('close', () => (this.cancelled = !response.writableFinished));
    this.response = response;
  };

  async send(...events: string[]): Promise<void> {
    await until(() => this.response !== undefined, 'the call');
    this.response?.write(events.join(''));
  }

  end(): void {
    this.response?.end();
  }
}

/** What a client got of a stream so far. */
export class ReadStream {
  text = '';
  ended = false;

  constructor(reply: Response) {
    void this.read(reply);
  }

  private async read({ body }: Response): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of body as unknown as AsyncIterable<Uint8Array>) {
      this.text += decoder.decode(bytes, { stream: true });
    }
    this.ended = true;
  }
}

const anthropicEvent = (type: string, members: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;

/** Events of an Anthropic upstream. */
export const anthropic = {
  start: (inputTokens: number): string =>
    anthropicEvent('message_start', {
      message: {
        ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'upstream-model', content: [] },
        ...{ stop_reason: null, stop_sequence: null, usage: { input_tokens: inputTokens, output_tokens: 1 } },
      },
    }) + anthropicEvent('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
  delta: (text: string): string =>
    anthropicEvent('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
  end: (outputTokens: number): string =>
    anthropicEvent('content_block_stop', { index: 0 }) +
    anthropicEvent('message_delta', {
      ...{ delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: outputTokens } },
    }) +
    anthropicEvent('message_stop', {}),
};

const chatChunk = (members: object): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'upstream-model', ...members })}\n\n`;

/** Chunks of a Chat upstream. */
export const chat = {
  start: (): string =>
    chatChunk({ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] }),
  delta: (content: string, usage?: object): string =>
    chatChunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }], ...(usage && { usage }) }),
  end: (usage: object): string =>
    chatChunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }) +
    chatChunk({ choices: [], usage }) +
    'data: [DONE]\n\n',
};
