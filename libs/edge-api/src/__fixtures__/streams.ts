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

const responsesEvent = (type: string, members: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: 0, ...members })}\n\n`;
const response = (status: string, more: object = {}): object => ({
  ...{ id: 'resp_1', object: 'response', created_at: 1, model: 'upstream-model', status, output: [], error: null },
  ...more,
});
const message = (text: string) => ({
  ...{ id: 'msg_1', type: 'message', role: 'assistant', status: 'completed' },
  content: [{ type: 'output_text', text, annotations: [] }],
});
const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };

/** Events of a Responses upstream. */
export const responses = {
  created: (): string =>
    responsesEvent('response.created', { response: response('in_progress') }) +
    responsesEvent('response.in_progress', { response: response('in_progress') }),
  begin: (): string =>
    responsesEvent('response.output_item.added', { output_index: 0, item: { ...message(''), content: [] } }) +
    responsesEvent('response.content_part.added', { ...place, part: message('').content[0] }),
  delta: (delta: string): string => responsesEvent('response.output_text.delta', { ...place, delta }),
  end: (text: string, usage: { input_tokens: number; output_tokens: number }): string =>
    responsesEvent('response.output_text.done', { ...place, text }) +
    responsesEvent('response.content_part.done', { ...place, part: message(text).content[0] }) +
    responsesEvent('response.output_item.done', { output_index: 0, item: message(text) }) +
    responsesEvent('response.completed', { response: response('completed', { output: [message(text)], usage }) }),
  failed: (code: string, text: string): string =>
    responsesEvent('response.failed', { response: response('failed', { error: { code, message: text } }) }),
};
