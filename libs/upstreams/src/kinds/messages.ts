import { mustNotEndInV1 } from './base-url';
import { basePath, type HttpHeaders, type UpstreamKind } from './kind';
import { quotaReader } from './quota';
import { retryAfterReader } from './retry-after';

/** The version sent where the client gave none, or speaks another dialect. */
const ANTHROPIC_VERSION = '2023-06-01';

/** What Anthropic's Messages API and its imitators have in common. */
export const messages = {
  dialect: 'anthropic-messages',
  baseUrlFault: mustNotEndInV1,
  inferencePath: ({ baseUrl }) => `${basePath(baseUrl)}/v1/messages`,
  credential: (apiKey) => ['x-api-key', apiKey],
  addCallHeaders,
  outputLimit: 'max_tokens',
  probePath: () => '/v1/models',
  quotaLeft: quotaReader(
    ['requests', 'tokens', 'input-tokens', 'output-tokens'].map((what) => ({
      limit: `anthropic-ratelimit-${what}-limit`,
      remaining: `anthropic-ratelimit-${what}-remaining`,
    })),
  ),
  retryAfterMs: retryAfterReader(['retry-after-ms']),
} as const satisfies UpstreamKind;

/** `anthropic-*` headers of an Anthropic client reach the upstream unchanged; nothing else of the client's does. */
function addCallHeaders(headers: string[], client: HttpHeaders | undefined): void {
  let versioned = false;
  for (const name in client) {
    if (!name.startsWith('anthropic-')) continue;
    const value = client[name];
    if (value === undefined) continue;
    if (name === 'anthropic-version') versioned = true;
    headers.push(name, typeof value === 'string' ? value : value.join(','));
  }
  if (!versioned) headers.push('anthropic-version', ANTHROPIC_VERSION);
}
