import type { JsonObject, JsonValue } from '../../json';

/**
 * The Anthropic Messages wire, as far as this dialect writes it. What it reads is narrowed by hand, field by field:
 * nothing an outside party sent is ever cast to these types.
 */
export const DIALECT_ID = 'anthropic-messages';

export type CacheControl = { type: 'ephemeral'; ttl?: string };

export type MediaSourceWire =
  | { type: 'base64'; media_type: string; data: string }
  | { type: 'url'; url: string }
  | { type: 'file'; file_id: string };

export type DocumentSourceWire =
  | MediaSourceWire
  | { type: 'text'; media_type: 'text/plain'; data: string }
  | { type: 'content'; content: JsonObject[] };

export interface MessageWire {
  role: 'user' | 'assistant' | 'system';
  content: JsonObject[];
}

export type StopReason =
  'end_turn' | 'max_tokens' | 'stop_sequence' | 'tool_use' | 'pause_turn' | 'refusal' | 'model_context_window_exceeded';

/** `event:` and `data.type` of the stream. */
export type StreamEventName =
  | 'message_start'
  | 'content_block_start'
  | 'content_block_delta'
  | 'content_block_stop'
  | 'message_delta'
  | 'message_stop'
  | 'ping'
  | 'error';

/** The words of `error.type`. */
export const ERROR_TYPES: ReadonlySet<string> = new Set([
  'invalid_request_error',
  'authentication_error',
  'billing_error',
  'permission_error',
  'not_found_error',
  'request_too_large',
  'rate_limit_error',
  'timeout_error',
  'api_error',
  'overloaded_error',
]);

export const CITATION_TYPES: ReadonlySet<JsonValue | undefined> = new Set([
  'char_location',
  'page_location',
  'content_block_location',
  'web_search_result_location',
  'search_result_location',
]);

/** The API sends null for "not set" everywhere. */
export function isAbsent(value: JsonValue | undefined): value is null | undefined {
  return value === undefined || value === null;
}
