import type { UsageIntent } from '@switchboard/contracts';

/** What an edge knows of a call before it sends it on. */
export function intent(requestId: string, changes: Partial<UsageIntent> = {}): UsageIntent {
  return {
    requestId,
    tenantId: 'acme',
    keyId: 'key_1',
    requestedModel: 'sonnet',
    model: 'anthropic/claude-sonnet-4.6',
    upstream: 'claude-direct',
    clientDialect: 'anthropic-messages',
    upstreamDialect: 'openai-chat',
    stream: true,
    startedAtMs: Date.parse('2026-11-20T12:00:00.123Z'),
    attempts: 1,
    priceVersion: 'v1',
    clientRequestId: 'c-1',
    inputTokens: 120,
    outputTokens: 4_096,
    costNanoUsd: 61_800_000,
    ...changes,
  };
}
