import { basePath, type UpstreamKind } from './kind';
import { quotaReader } from './quota';
import { retryAfterReader } from './retry-after';

/** What OpenAI's Chat API and its imitators have in common. */
export const chat = {
  dialect: 'openai-chat',
  baseUrlFault: () => undefined,
  inferencePath: ({ baseUrl }) => `${basePath(baseUrl)}/chat/completions`,
  operationPath: ({ baseUrl }, _model, operation) => `${basePath(baseUrl)}/${operation}`,
  credential: (apiKey) => ['authorization', `Bearer ${apiKey}`],
  outputLimit: 'max_tokens',
  probePath: () => '/models',
  quotaLeft: quotaReader(
    ['requests', 'tokens'].map((what) => ({
      limit: `x-ratelimit-limit-${what}`,
      remaining: `x-ratelimit-remaining-${what}`,
    })),
  ),
  retryAfterMs: retryAfterReader(['retry-after-ms']),
} as const satisfies UpstreamKind;
