import type { UpstreamError, WireError } from '../../dialect';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { formatSseEvent } from '../../sse/encoder';
import type { StreamFailure } from '../../stream-event';
import { ERROR_TYPES } from './wire';

/**
 * Reads an upstream's error body. The words of a JSON error are kept to the letter, because clients act on them; a page
 * of HTML or bare text may hold hosts and stack traces, and is replaced by the status.
 */
export function decodeError(status: number, body: string): UpstreamError {
  const error: UpstreamError = {
    status,
    type: typeOfStatus(status),
    message: `The upstream answered with status ${status}`,
  };
  const parsed = parseObject(body);
  if (parsed === undefined) return error;
  const inner = parsed['error'];
  const source = isJsonObject(inner) ? inner : parsed;
  const message = firstText(source['message'], inner, parsed['message'], parsed['detail']);
  if (message !== undefined) error.message = message;
  const type = source['type'];
  if (typeof type === 'string' && type !== '' && type !== 'error') error.type = type;
  if (typeof source['param'] === 'string') error.param = source['param'];
  const code = source['code'];
  if (typeof code === 'string' || typeof code === 'number') error.code = String(code);
  return error;
}

function parseObject(body: string): JsonObject | undefined {
  try {
    const value = JSON.parse(body) as JsonValue;
    return isJsonObject(value) ? value : undefined;
  } catch {
    // Not JSON: the caller has a plain message for that.
    return undefined;
  }
}

function firstText(...candidates: (JsonValue | undefined)[]): string | undefined {
  return candidates.find((candidate): candidate is string => typeof candidate === 'string' && candidate !== '');
}

function typeOfStatus(status: number): string {
  switch (status) {
    case 401:
      return 'authentication_error';
    case 402:
      return 'billing_error';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 408:
    case 504:
      return 'timeout_error';
    case 413:
      return 'request_too_large';
    case 429:
      return 'rate_limit_error';
    case 529:
      return 'overloaded_error';
    default:
      return status >= 400 && status < 500 ? 'invalid_request_error' : 'api_error';
  }
}

export function encodeError(error: WireError): JsonObject {
  return {
    type: 'error',
    error: {
      type: error.anthropicType,
      message: error.message,
      ...(error.details !== undefined && { details: error.details }),
    },
    request_id: error.requestId,
  };
}

export function encodeStreamError(error: WireError): string {
  return formatSseEvent('error', JSON.stringify(encodeError(error)));
}

/** The event that ends a stream which failed under way. */
export function encodeStreamFailure(failure: StreamFailure): string {
  const error = { type: failureType(failure), message: failure.message };
  return formatSseEvent('error', JSON.stringify({ type: 'error', error }));
}

function failureType({ kind, type = '' }: StreamFailure): string {
  if (kind === 'timeout') return 'timeout_error';
  if (ERROR_TYPES.has(type)) return type;
  if (type.startsWith('rate_limit')) return 'rate_limit_error';
  return type.startsWith('overloaded') ? 'overloaded_error' : 'api_error';
}

/** An `error` event's body, or that of a bare `{"error": …}`. */
export function decodeStreamError(body: JsonObject): StreamFailure {
  const inner = body['error'];
  const source = isJsonObject(inner) ? inner : body;
  const failure: StreamFailure = {
    kind: 'upstream',
    message: firstText(source['message'], inner) ?? 'The upstream reported an error',
  };
  const type = source['type'];
  if (typeof type === 'string' && type !== 'error') failure.type = type;
  return failure;
}
