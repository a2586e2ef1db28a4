/**
 * The error catalogue: one row per error a client can meet, with its words in each dialect (see the wire contract).
 * A denial is a value of this type on the request path; nothing is thrown for it.
 */
export type ErrorCode =
  | 'missing_key'
  | 'invalid_key'
  | 'expired_key'
  | 'tenant_inactive'
  | 'permission_denied'
  | 'model_not_allowed'
  | 'domain_not_allowed'
  | 'ip_not_allowed'
  | 'malformed_body'
  | 'invalid_parameter'
  | 'unsupported_capability'
  | 'context_exceeded'
  | 'translation_loss'
  | 'thread_unsupported'
  | 'insufficient_credits'
  | 'budget_exceeded'
  | 'budget_held'
  | 'model_not_found'
  | 'route_not_found'
  | 'response_not_found'
  | 'method_not_allowed'
  | 'body_too_large'
  | 'request_timeout'
  | 'unsupported_encoding'
  | 'rate_limited_requests'
  | 'rate_limited_tokens'
  | 'rate_limited_concurrency'
  | 'upstream_rejected'
  | 'upstream_error'
  | 'upstream_overloaded'
  | 'upstream_timeout'
  | 'upgrade_required'
  | 'key_store_unavailable'
  | 'limiter_unavailable'
  | 'response_store_unavailable'
  | 'shutting_down'
  | 'internal';

interface ErrorRow {
  status: number;
  anthropicType: string;
  openaiType: string;
  openaiCode: string | null;
  /** Overrides `status` for OpenAI clients (they have no 529). */
  openaiStatus?: number;
  retryable: boolean;
}

const row = (
  status: number,
  anthropicType: string,
  openaiType: string,
  openaiCode: string | null,
  retryable = false,
): ErrorRow => ({ status, anthropicType, openaiType, openaiCode, retryable });

export const ERROR_CATALOGUE: Readonly<Record<ErrorCode, ErrorRow>> = {
  missing_key: row(401, 'authentication_error', 'invalid_request_error', 'invalid_api_key'),
  invalid_key: row(401, 'authentication_error', 'invalid_request_error', 'invalid_api_key'),
  expired_key: row(401, 'authentication_error', 'invalid_request_error', 'invalid_api_key'),
  tenant_inactive: row(403, 'permission_error', 'permission_error', 'permission_denied'),
  permission_denied: row(403, 'permission_error', 'permission_error', 'permission_denied'),
  model_not_allowed: row(403, 'permission_error', 'permission_error', 'model_not_allowed'),
  domain_not_allowed: row(403, 'permission_error', 'permission_error', 'domain_not_allowed'),
  ip_not_allowed: row(403, 'permission_error', 'permission_error', 'permission_denied'),
  malformed_body: row(400, 'invalid_request_error', 'invalid_request_error', 'malformed_body'),
  invalid_parameter: row(400, 'invalid_request_error', 'invalid_request_error', 'invalid_parameter'),
  unsupported_capability: row(400, 'invalid_request_error', 'invalid_request_error', 'unsupported_capability'),
  context_exceeded: row(400, 'invalid_request_error', 'invalid_request_error', 'context_length_exceeded'),
  translation_loss: row(400, 'invalid_request_error', 'invalid_request_error', 'translation_loss'),
  thread_unsupported: row(400, 'invalid_request_error', 'invalid_request_error', 'thread_unsupported_request'),
  insufficient_credits: row(402, 'invalid_request_error', 'insufficient_quota', 'insufficient_credits'),
  budget_exceeded: row(402, 'invalid_request_error', 'insufficient_quota', 'budget_exceeded'),
  /** The rest of a budget is set aside for calls under way: as soon as they are settled there may be room again. */
  budget_held: row(429, 'rate_limit_error', 'rate_limit_exceeded', 'budget_held', true),
  model_not_found: row(404, 'not_found_error', 'invalid_request_error', 'model_not_found'),
  /** A stored response; OpenAI gives it no code. */
  response_not_found: row(404, 'not_found_error', 'invalid_request_error', null),
  route_not_found: row(404, 'not_found_error', 'invalid_request_error', 'route_not_found'),
  method_not_allowed: row(405, 'invalid_request_error', 'invalid_request_error', 'method_not_allowed'),
  body_too_large: row(413, 'request_too_large', 'invalid_request_error', 'request_too_large'),
  request_timeout: row(408, 'timeout_error', 'invalid_request_error', 'request_timeout', true),
  unsupported_encoding: row(415, 'invalid_request_error', 'invalid_request_error', 'unsupported_encoding'),
  rate_limited_requests: row(429, 'rate_limit_error', 'rate_limit_exceeded', 'requests', true),
  rate_limited_tokens: row(429, 'rate_limit_error', 'rate_limit_exceeded', 'tokens', true),
  rate_limited_concurrency: row(429, 'rate_limit_error', 'rate_limit_exceeded', 'concurrency', true),
  /** The upstream's own 4xx: status and text are the upstream's, these are the fallbacks. */
  upstream_rejected: row(400, 'invalid_request_error', 'invalid_request_error', null),
  upstream_error: row(502, 'api_error', 'server_error', 'upstream_error', true),
  upstream_overloaded: { ...row(529, 'overloaded_error', 'server_error', 'overloaded', true), openaiStatus: 503 },
  upstream_timeout: row(504, 'timeout_error', 'server_error', 'upstream_timeout', true),
  upgrade_required: row(426, 'invalid_request_error', 'invalid_request_error', 'upgrade_required'),
  /** The key is not in this process's memory, and where it could be looked up is away. */
  key_store_unavailable: row(503, 'api_error', 'server_error', 'key_store_unavailable', true),
  limiter_unavailable: row(503, 'api_error', 'server_error', 'limiter_unavailable', true),
  response_store_unavailable: row(503, 'api_error', 'server_error', 'response_store_unavailable', true),
  shutting_down: row(503, 'api_error', 'server_error', 'shutting_down', true),
  internal: row(500, 'api_error', 'server_error', 'internal_error', true),
};

/** What a client is told. `publicMessage` never holds a secret, a host or a stack; `cause` is for the log only. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';

  constructor(
    readonly code: ErrorCode,
    readonly publicMessage: string,
    readonly extra: {
      param?: string;
      /** Whole seconds, ≥ 1. */
      retryAfterSeconds?: number;
      /** Replaces the catalogue's OpenAI code where an upstream or a fault named its own. */
      openaiCode?: string;
      /** Replaces the catalogue's status: an upstream's own 4xx. */
      status?: number;
      /** Beside those of every error: limits, whether to try again. */
      headers?: Record<string, string | number>;
      /** Replaces the catalogue's type words: an upstream's own. */
      type?: string;
      cause?: unknown;
    } = {},
  ) {
    // Where it was made says something only of a fault of ours, and costs more than all the rest of a refusal (12 µs of 110).
    const { stackTraceLimit } = Error;
    if (code !== 'internal') Error.stackTraceLimit = 0;
    super(publicMessage, { cause: extra.cause });
    Error.stackTraceLimit = stackTraceLimit;
  }

  get retryable(): boolean {
    return ERROR_CATALOGUE[this.code].retryable;
  }
}
