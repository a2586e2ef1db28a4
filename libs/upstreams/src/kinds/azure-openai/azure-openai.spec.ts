import { azureOpenai } from './azure-openai';

const RESOURCE = 'https://res.openai.azure.com';

describe.each(['', '/openai', '/openai/v1'])('at the endpoint%s', (appended) => {
  const baseUrl = RESOURCE + appended;

  test('an API version is that of a deployment, in the query', () => {
    expect(azureOpenai.inferencePath({ baseUrl, apiVersion: '2024-10-21' }, 'gpt 4o', 'openai-chat')).toBe(
      '/openai/deployments/gpt%204o/chat/completions?api-version=2024-10-21',
    );
  });

  test('embeddings are where Chat is', () => {
    expect(azureOpenai.operationPath?.({ baseUrl, apiVersion: '2024-10-21' }, 'embeds', 'embeddings')).toBe(
      '/openai/deployments/embeds/embeddings?api-version=2024-10-21',
    );
    expect(azureOpenai.operationPath?.({ baseUrl }, 'embeds', 'embeddings')).toBe('/openai/v1/embeddings');
  });

  test('without one it is the v1 API, whose path names no deployment', () => {
    expect(azureOpenai.inferencePath({ baseUrl }, 'gpt-4o', 'openai-chat')).toBe('/openai/v1/chat/completions');
  });

  test('it is probed where the v1 API lists its models', () => {
    expect(baseUrl + azureOpenai.probePath(baseUrl)).toBe(`${RESOURCE}/openai/v1/models`);
    expect(azureOpenai.baseUrlFault(baseUrl)).toBeUndefined();
  });
});

test('a path before it, of a proxy, stays', () => {
  expect(azureOpenai.inferencePath({ baseUrl: 'https://apim.example.com/ai' }, 'm', 'openai-chat')).toBe(
    '/ai/openai/v1/chat/completions',
  );
});

test.each(['/openai/deployments/gpt-4o', '/v1'])('a base URL that ends in %s is none', (end) => {
  expect(azureOpenai.baseUrlFault(RESOURCE + end)).toMatch(/^must /);
});

test('the credential is an api-key, and waiting is told in milliseconds of either name', () => {
  expect(azureOpenai.credential('k')).toEqual(['api-key', 'k']);
  expect(azureOpenai.retryAfterMs({ 'retry-after': '60', 'x-ms-retry-after-ms': '850' }, 0)).toBe(850);
  expect(azureOpenai.retryAfterMs({ 'retry-after': '6' }, 0)).toBe(6_000);
});
