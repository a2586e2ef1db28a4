import type { UpstreamError, WireError } from '../../dialect';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import type { StreamFailure } from '../../stream-event';
import { textMember } from '../openai/members';

/** Longer texts are pages, not messages. */
const MESSAGE_LENGTH_MAX = 4_000;

const UNWORDED = 'The upstream reported an error without a message.';

/** An error as the upstream worded it; `type` absent where it gave none. */
export interface WordedError {
  message: string;
  type?: string;
  param?: string;
  code?: string;
}

/** Reads an upstream's error body: OpenAI's shape and those of its imitators; anything else is told by its status. */
export function decodeError(status: number, body: string): UpstreamError {
  const worded = decodeErrorBody(body);
  return {
    status,
    type: worded?.type ?? typeOfStatus(status),
    message: worded?.message ?? `The upstream answered with status ${status} and no readable error.`,
    ...(worded?.param !== undefined && { param: worded.param }),
    ...(worded?.code !== undefined && { code: worded.code }),
  };
}

function decodeErrorBody(body: string): WordedError | undefined {
  let value: JsonValue;
  try {
    value = JSON.parse(body) as JsonValue;
  } catch {
    // HTML of a proxy, a bare word, nothing: a short plain text is the message, the rest says nothing to a client.
    const text = body.trim();
    return text !== '' && text.length <= 500 && !text.startsWith('<') ? { message: text } : undefined;
  }
  // Gemini wraps the object in an array.
  const root = Array.isArray(value) ? value[0] : value;
  if (typeof root === 'string' && root !== '') return { message: root };
  return isJsonObject(root) ? (decodeErrorValue(root) ?? decodeBareMessage(root)) : undefined;
}

/**
 * The error in an object that says it is one: `{error: {…}}` (OpenAI, Anthropic), `{error: "text"}` (Ollama),
 * `{object: "error", message}` (vLLM). Undefined for anything else, such as a reply.
 */
export function decodeErrorValue(value: JsonObject): WordedError | undefined {
  const { error } = value;
  if (typeof error === 'string') return worded(error, value);
  if (isJsonObject(error)) return worded(textMember(error, 'message') ?? UNWORDED, error);
  const saysSo = value.object === 'error' || value.type === 'error';
  return saysSo ? worded(textMember(value, 'message') ?? UNWORDED, value) : undefined;
}

/** `{message}` of gateways, `{detail}` of FastAPI. */
function decodeBareMessage(value: JsonObject): WordedError | undefined {
  const message = textMember(value, 'message') ?? textMember(value, 'detail');
  if (message !== undefined) return worded(message, value);
  // A list of what validation found, each with its words.
  const found = Array.isArray(value.detail)
    ? value.detail.map((entry) => (isJsonObject(entry) ? entry.msg : entry))
    : [];
  const words = found.filter((entry) => typeof entry === 'string');
  return words.length > 0 ? worded(words.join('; '), value) : undefined;
}

function worded(message: string, record: JsonObject): WordedError {
  const type = textMember(record, 'type');
  const param = textMember(record, 'param');
  const code = typeof record.code === 'number' ? String(record.code) : textMember(record, 'code');
  return {
    message: message.slice(0, MESSAGE_LENGTH_MAX),
    ...(type !== undefined && type !== 'error' && { type }),
    ...(param !== undefined && { param }),
    ...(code !== undefined && { code }),
  };
}

function typeOfStatus(status: number): string {
  switch (status) {
    case 401:
      return 'authentication_error';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 429:
      return 'rate_limit_exceeded';
    default:
      return status >= 500 ? 'server_error' : 'invalid_request_error';
  }
}

export function encodeError(error: WireError): JsonObject {
  const { message, openaiType, param, openaiCode } = error;
  return { error: { message, type: openaiType, param: param ?? null, code: openaiCode ?? null } };
}

/** A failure inside a stream, in OpenAI's words. */
export function wordsOfFailure(
  kind: StreamFailure['kind'],
  type: string | undefined,
): { openaiType: string; openaiCode: string } {
  switch (kind) {
    case 'timeout':
      return { openaiType: 'server_error', openaiCode: 'upstream_timeout' };
    case 'gateway':
      return { openaiType: 'server_error', openaiCode: 'internal_error' };
    case 'malformed':
    case 'truncated':
      return { openaiType: 'server_error', openaiCode: 'upstream_error' };
    case 'upstream':
      if (type === 'overloaded_error') return { openaiType: 'server_error', openaiCode: 'overloaded' };
      if (type === 'rate_limit_error') return { openaiType: 'rate_limit_exceeded', openaiCode: 'upstream_error' };
      if (type === undefined || type === 'api_error')
        return { openaiType: 'server_error', openaiCode: 'upstream_error' };
      return { openaiType: type, openaiCode: 'upstream_error' };
  }
}
