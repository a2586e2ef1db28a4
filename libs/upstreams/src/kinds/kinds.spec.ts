import type { ProviderKind } from '@switchboard/contracts';
import type { DialectId } from '@switchboard/protocol';
import { dialectFor } from './kind';
import { KINDS } from './kinds';

const path = (kind: ProviderKind, baseUrl: string, client?: DialectId) => {
  const dialect = client === undefined ? KINDS[kind].dialect : dialectFor(KINDS[kind], {}, client);
  return KINDS[kind].inferencePath({ baseUrl }, 'some/model', dialect);
};

test.each<[ProviderKind, string, string, string]>([
  ['anthropic', 'https://api.anthropic.com', '/v1/messages', 'x-api-key: k'],
  ['anthropic-compatible', 'https://llm.example.com/anthropic', '/anthropic/v1/messages', 'x-api-key: k'],
  ['openai', 'https://api.openai.com/v1', '/v1/chat/completions', 'authorization: Bearer k'],
  ['openrouter', 'https://openrouter.ai/api/v1', '/api/v1/chat/completions', 'authorization: Bearer k'],
  ['openai-compatible', 'http://10.0.0.1:8000', '/chat/completions', 'authorization: Bearer k'],
  ['responses-compatible', 'http://10.0.0.1:8000/v1', '/v1/responses', 'authorization: Bearer k'],
])('%s at %s is called at %s with %s', (kind, baseUrl, at, header) => {
  expect(path(kind, baseUrl)).toBe(at);
  expect(KINDS[kind].credential('k').join(': ')).toBe(header);
});

test.each<[ProviderKind, DialectId, DialectId]>([
  ['openai', 'openai-responses', 'openai-responses'],
  ['openai', 'openai-chat', 'openai-chat'],
  ['openai', 'anthropic-messages', 'openai-chat'],
  ['azure-openai', 'openai-responses', 'openai-responses'],
  ['openrouter', 'openai-responses', 'openai-chat'],
  ['openai-compatible', 'openai-responses', 'openai-chat'],
  ['responses-compatible', 'openai-chat', 'openai-responses'],
  ['responses-compatible', 'openai-responses', 'openai-responses'],
  ['anthropic', 'openai-responses', 'anthropic-messages'],
])('%s is spoken to, by a client of %s, in %s', (kind, client, dialect) => {
  expect(dialectFor(KINDS[kind], {}, client)).toBe(dialect);
});

test('a client of Responses reaches OpenAI’s own, beside Chat', () => {
  expect(path('openai', 'https://api.openai.com/v1', 'openai-responses')).toBe('/v1/responses');
  expect(path('azure-openai', 'https://res.openai.azure.com', 'openai-responses')).toBe('/openai/v1/responses');
  const dated = { apiVersion: '2024-10-21' };
  expect(dialectFor(KINDS['azure-openai'], dated, 'openai-responses')).toBe('openai-chat');
});

test.each<[ProviderKind, string, string | undefined]>([
  ['openai', 'https://api.openai.com/v1', '/v1/embeddings'],
  ['openai-compatible', 'http://10.0.0.1:8000/v1', '/v1/embeddings'],
  ['responses-compatible', 'http://10.0.0.1:8000/v1', '/v1/embeddings'],
  ['openrouter', 'https://openrouter.ai/api/v1', '/api/v1/embeddings'],
  ['anthropic', 'https://api.anthropic.com', undefined],
  ['anthropic-compatible', 'https://llm.example.com', undefined],
])('%s at %s has embeddings at %s', (kind, baseUrl, at) => {
  expect(KINDS[kind].operationPath?.({ baseUrl }, 'some/model', 'embeddings')).toBe(at);
});

test.each(Object.entries(KINDS))('%s takes its own default base URL, if it has one', (_, kind) => {
  if (kind.defaultBaseUrl !== undefined) expect(kind.baseUrlFault(kind.defaultBaseUrl)).toBeUndefined();
});

test.each<[ProviderKind, string, string | undefined]>([
  ['anthropic', 'https://api.anthropic.com/v1', 'must not end in /v1'],
  ['anthropic-compatible', 'https://llm.example.com/v1', 'must not end in /v1'],
  ['openai', 'https://api.openai.com', 'must end in /v1'],
  ['openrouter', 'https://openrouter.ai/api', 'must end in /v1'],
  ['openai-compatible', 'http://10.0.0.1:8000', undefined],
  ['responses-compatible', 'http://10.0.0.1:8000', undefined],
])('of %s, %s %s', (kind, baseUrl, fault) => {
  expect(KINDS[kind].baseUrlFault(baseUrl)).toBe(fault);
});

test('every kind is probed below its base URL', () => {
  for (const kind of Object.values(KINDS)) expect(kind.probePath('https://x.example.com')).toMatch(/^\/\w/);
});
