import { ERROR_CATALOGUE, type GatewayError } from '@switchboard/contracts';
import { DIALECTS, type DialectId, type JsonObject, type WireError } from '@switchboard/protocol';
import type { ReplyHeaders } from './reply-headers';

export interface ErrorReply {
  status: number;
  headers: ReplyHeaders;
  body: JsonObject;
}

/** An error in the words and shape of the client's dialect; the catalogue is the only place that knows both. */
export function errorReply(error: GatewayError, dialect: DialectId, requestId: string): ErrorReply {
  const entry = ERROR_CATALOGUE[error.code];
  const status =
    error.extra.status ?? (dialect === 'anthropic-messages' ? undefined : entry.openaiStatus) ?? entry.status;
  const headers: ReplyHeaders = Object.assign({}, error.extra.headers);
  if (status === 401) headers['x-should-retry'] = 'false';
  const retryAfterSeconds = error.extra.retryAfterSeconds ?? (status === 429 ? 1 : undefined);
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterSeconds)));
  return { status, headers, body: DIALECTS[dialect].encodeError(wireError(error, requestId)) };
}

export function wireError(error: GatewayError, requestId: string): WireError {
  const entry = ERROR_CATALOGUE[error.code];
  return {
    message: error.publicMessage,
    anthropicType: error.extra.type ?? entry.anthropicType,
    openaiType: error.extra.type ?? entry.openaiType,
    openaiCode: error.extra.openaiCode ?? entry.openaiCode,
    param: error.extra.param ?? null,
    requestId,
    ...(error.code === 'thread_unsupported' && { details: { error_code: 'thread_unsupported_request' } }),
  };
}
