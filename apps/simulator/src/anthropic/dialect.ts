import { ApiFailure } from '../api-failure';
import type { Dialect } from '../dialect';
import { sse } from './sse';

const TYPE_BY_STATUS: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  409: 'conflict_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

function errorType(failure: ApiFailure): string {
  if (failure.type !== undefined) return failure.type;
  return TYPE_BY_STATUS[failure.status] ?? (failure.status < 500 ? 'invalid_request_error' : 'api_error');
}

export const anthropic: Dialect = {
  name: 'anthropic',
  headers: (requestId) => ({
    'request-id': requestId,
    'anthropic-organization-id': 'org-simulator',
    'anthropic-ratelimit-requests-limit': '4000',
    'anthropic-ratelimit-requests-remaining': '3999',
    'anthropic-ratelimit-requests-reset': '2026-01-01T00:00:01Z',
  }),
  errorBody: (failure, requestId) =>
    JSON.stringify({
      type: 'error',
      error: { type: errorType(failure), message: failure.message },
      request_id: requestId,
    }),
  errorFrame: (failure) =>
    sse('error', { type: 'error', error: { type: failure.type ?? 'overloaded_error', message: failure.message } }),
  unauthenticated: () => new ApiFailure(401, 'authentication_error', 'x-api-key header is required'),
  notJson: () => new ApiFailure(400, 'invalid_request_error', 'The request body is not valid JSON'),
};
