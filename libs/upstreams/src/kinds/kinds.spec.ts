import type { ProviderKind } from '@switchboard/contracts';
import { KINDS } from './kinds';

const path = (kind: ProviderKind, baseUrl: string) => KINDS[kind].inferencePath({ baseUrl }, 'some/model');

test.each<[ProviderKind, string, string, string]>([
  ['anthropic', 'https://api.anthropic.com', '/v1/messages', 'x-api-key: k'],
  ['anthropic-compatible', 'https://llm.example.com/anthropic', '/anthropic/v1/messages', 'x-api-key: k'],
  ['openai', 'https://api.openai.com/v1', '/v1/chat/completions', 'authorization: Bearer k'],
  ['openrouter', 'https://openrouter.ai/api/v1', '/api/v1/chat/completions', 'authorization: Bearer k'],
  ['openai-compatible', 'http://10.0.0.1:8000', '/chat/completions', 'authorization: Bearer k'],
  ['responses-compatible', 'http://10.0.0.1:8000/v1', '/v1/chat/completions', 'authorization: Bearer k'],
])('%s at %s is called at %s with %s', (kind, baseUrl, at, header) => {
  expect(path(kind, baseUrl)).toBe(at);
  expect(KINDS[kind].credential('k').join(': ')).toBe(header);
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
