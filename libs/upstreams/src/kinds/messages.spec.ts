import { messages } from './messages';

function headersFor(client?: Record<string, string | string[]>): string[] {
  const headers: string[] = [];
  messages.addCallHeaders(headers, client);
  return headers;
}

test('a client’s anthropic-* headers are passed on, and nothing else of it', () => {
  const client = {
    'anthropic-version': '2026-01-01',
    'anthropic-beta': ['a', 'b'],
    'x-api-key': 'its-own',
    cookie: 'c',
  };
  expect(headersFor(client)).toEqual(['anthropic-version', '2026-01-01', 'anthropic-beta', 'a,b']);
});

test.each([[undefined], [{ 'x-api-key': 'its-own' }]])('a version is sent where the client %j gave none', (client) => {
  expect(headersFor(client)).toEqual(['anthropic-version', '2023-06-01']);
});

test('what is left is the smallest of all its limits', () => {
  const headers = {
    'anthropic-ratelimit-requests-limit': '1000',
    'anthropic-ratelimit-requests-remaining': '999',
    'anthropic-ratelimit-input-tokens-limit': '400000',
    'anthropic-ratelimit-input-tokens-remaining': '300000',
    'anthropic-ratelimit-output-tokens-limit': '80000',
    'anthropic-ratelimit-output-tokens-remaining': '8000',
    'anthropic-ratelimit-output-tokens-reset': '2026-11-28T10:00:00Z',
  };
  expect(messages.quotaLeft(headers)).toBe(0.1);
});
