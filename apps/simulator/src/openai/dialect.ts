import { ApiFailure } from '../api-failure';
import type { Dialect } from '../dialect';

const RATE_LIMITED = 429;

function errorType(failure: ApiFailure): string {
  if (failure.type !== undefined) return failure.type;
  if (failure.status === RATE_LIMITED) return 'requests';
  return failure.status >= 400 && failure.status < 500 ? 'invalid_request_error' : 'server_error';
}

function errorCode(failure: ApiFailure): string | null {
  return failure.code ?? (failure.status === RATE_LIMITED ? 'rate_limit_exceeded' : null);
}

function errorJson(failure: ApiFailure): string {
  const { message, param } = failure;
  return JSON.stringify({ error: { message, type: errorType(failure), param, code: errorCode(failure) } });
}

export const openai: Dialect = {
  name: 'openai',
  headers: (requestId) => ({
    'x-request-id': requestId,
    'openai-organization': 'org-simulator',
    'openai-processing-ms': '1',
    'openai-version': '2020-10-01',
    'x-ratelimit-limit-requests': '10000',
    'x-ratelimit-remaining-requests': '9999',
    'x-ratelimit-reset-requests': '6ms',
  }),
  errorBody: (failure) => errorJson(failure),
  errorFrame: (failure) => `data: ${errorJson(failure)}\n\n`,
  unauthenticated: () =>
    new ApiFailure(
      401,
      'invalid_request_error',
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth " +
        '(i.e. Authorization: Bearer YOUR_KEY).',
    ),
  notJson: () =>
    new ApiFailure(
      400,
      'invalid_request_error',
      'We could not parse the JSON body of your request. (HINT: This likely means you aren’t using your HTTP library ' +
        'correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)',
    ),
};
