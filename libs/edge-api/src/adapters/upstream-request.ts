import type { IncomingHttpHeaders } from 'node:http';
import type { Provider } from '@switchboard/contracts';
import { upstreamDialect } from '../core/plan';

/** The version sent where the client gave none, or speaks another dialect. */
const ANTHROPIC_VERSION = '2023-06-01';

interface Endpoint {
  path: string;
  /** Flat name, value list: undici takes it without a conversion. */
  headers: readonly string[];
}

const endpoints = new WeakMap<Provider, Endpoint>();

/** Path and constant headers of a provider's inference endpoint; computed once per provider record. */
export function endpointOf(provider: Provider): Endpoint {
  let endpoint = endpoints.get(provider);
  if (endpoint === undefined) {
    const basePath = new URL(provider.baseUrl).pathname.replace(/\/+$/, '');
    const anthropic = upstreamDialect(provider) === 'anthropic-messages';
    endpoint = {
      path: basePath + (anthropic ? '/v1/messages' : '/chat/completions'),
      headers: [
        ...['content-type', 'application/json', 'user-agent', 'switchboard'],
        ...credentialHeaders(provider),
        ...Object.entries(provider.headers).flat(),
      ],
    };
    endpoints.set(provider, endpoint);
  }
  return endpoint;
}

function credentialHeaders(provider: Provider): string[] {
  if (provider.apiKey === undefined) return [];
  switch (provider.kind) {
    case 'anthropic':
    case 'anthropic-compatible':
      return ['x-api-key', provider.apiKey];
    case 'azure-openai':
      return ['api-key', provider.apiKey];
    default:
      return ['authorization', `Bearer ${provider.apiKey}`];
  }
}

/**
 * Headers of one call. `anthropic-*` headers of an Anthropic client reach an Anthropic upstream unchanged; nothing else
 * of the client's does.
 */
export function callHeaders(
  provider: Provider,
  requestId: string,
  client: IncomingHttpHeaders | undefined,
  stream: boolean,
): string[] {
  const headers = [...endpointOf(provider).headers, 'x-request-id', requestId];
  headers.push('accept', stream ? 'text/event-stream' : 'application/json');
  if (upstreamDialect(provider) !== 'anthropic-messages') return headers;
  let versioned = false;
  for (const name in client) {
    if (!name.startsWith('anthropic-')) continue;
    const value = client[name];
    if (value === undefined) continue;
    if (name === 'anthropic-version') versioned = true;
    headers.push(name, Array.isArray(value) ? value.join(',') : value);
  }
  if (!versioned) headers.push('anthropic-version', ANTHROPIC_VERSION);
  return headers;
}
