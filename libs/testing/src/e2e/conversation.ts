import type { Call } from './http-exchange';

/** What a client speaks. */
export type ClientDialect = 'anthropic' | 'chat';

export const CLIENT_DIALECTS: readonly ClientDialect[] = ['anthropic', 'chat'];

export interface Ask {
  model: string;
  key: string;
  text?: string;
  stream?: boolean;
  /** More members of the body; undefined leaves one out. */
  extra?: Record<string, unknown>;
  headers?: Record<string, string>;
}

/** A plain conversation as the dialect's own SDK would send it. */
export function conversation(dialect: ClientDialect, ask: Ask): Call {
  const body = {
    model: ask.model,
    max_tokens: 4096,
    messages: [{ role: 'user', content: ask.text ?? 'Say hi' }],
    ...(ask.stream === true && { stream: true }),
    ...ask.extra,
  };
  return { ...post(dialect, ask.key, JSON.stringify(body)), headers: headersFor(dialect, ask.key, ask.headers) };
}

/** Any body, to the dialect's endpoint. */
export function post(dialect: ClientDialect, key: string, body: string | Buffer, headers = {}): Call {
  return {
    method: 'POST',
    path: dialect === 'anthropic' ? '/v1/messages' : '/v1/chat/completions',
    headers: headersFor(dialect, key, headers),
    body,
  };
}

function headersFor(dialect: ClientDialect, key: string, more: Record<string, string> = {}): Record<string, string> {
  return dialect === 'anthropic'
    ? { 'x-api-key': key, 'anthropic-version': '2023-06-01', 'content-type': 'application/json', ...more }
    : { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...more };
}

export interface ToldError {
  type: string;
  message: string;
  code?: string | null;
  param?: string | null;
  details?: Record<string, unknown>;
}

/** The error of a body in the dialect's shape; throws where the body has another shape. */
export function errorIn(dialect: ClientDialect, text: string): ToldError {
  const body = JSON.parse(text) as { type?: string; request_id?: string; error?: Partial<ToldError> };
  const { error } = body;
  if (error === undefined || typeof error.message !== 'string' || typeof error.type !== 'string') {
    throw new Error(`not an error of any dialect: ${text}`);
  }
  if (dialect === 'anthropic' && (body.type !== 'error' || 'code' in error)) {
    throw new Error(`not an Anthropic error: ${text}`);
  }
  if (dialect === 'chat' && (!('code' in error) || !('param' in error) || body.type !== undefined)) {
    throw new Error(`not an OpenAI error: ${text}`);
  }
  return error as ToldError;
}

export interface SseEvent {
  event: string | undefined;
  data: string;
}

/** The events of a whole stream; comments are left out. A last event without its blank line counts as none. */
export function eventsIn(text: string): SseEvent[] {
  const blocks = text.split('\n\n');
  blocks.pop();
  return blocks.flatMap((block) => {
    const lines = block.split('\n').filter((line) => !line.startsWith(':'));
    const data = lines.flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []));
    if (data.length === 0) return [];
    return [{ event: lines.find((line) => line.startsWith('event: '))?.slice(7), data: data.join('\n') }];
  });
}

/** Whether a client of the dialect would take this stream for a whole reply. */
export function looksComplete(dialect: ClientDialect, text: string): boolean {
  const events = eventsIn(text);
  return dialect === 'anthropic'
    ? events.some(({ event }) => event === 'message_stop')
    : events.some(({ data }) => data === '[DONE]');
}

/** The error event that ends a stream of the dialect, or undefined. */
export function streamError(dialect: ClientDialect, text: string): ToldError | undefined {
  const last = eventsIn(text).at(-1);
  if (last === undefined || (dialect === 'anthropic' && last.event !== 'error') || last.data === '[DONE]') {
    return undefined;
  }
  return 'error' in (JSON.parse(last.data) as object) ? errorIn(dialect, last.data) : undefined;
}

interface AnthropicEvent {
  delta?: { text?: string };
}

interface ChatChunk {
  choices?: { delta?: { content?: string | null } }[];
}

/** The text a stream generated. */
export function streamedText(dialect: ClientDialect, text: string): string {
  return eventsIn(text)
    .filter(({ data }) => data !== '[DONE]')
    .map(({ data }) =>
      dialect === 'anthropic'
        ? ((JSON.parse(data) as AnthropicEvent).delta?.text ?? '')
        : ((JSON.parse(data) as ChatChunk).choices?.[0]?.delta?.content ?? ''),
    )
    .join('');
}
