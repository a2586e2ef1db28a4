import type { UsageRecordedV1 } from '@switchboard/contracts';

/** A call as edge-api reports it. */
export function event(requestId: string, changes: Partial<UsageRecordedV1> = {}): UsageRecordedV1 {
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
    usage: {
      inputTokens: 10,
      cacheReadTokens: 1,
      cacheWrite5mTokens: 2,
      cacheWrite1hTokens: 3,
      outputTokens: 20,
      reasoningTokens: 4,
    },
    costNanoUsd: 330_000,
    priceVersion: 'v1',
    accuracy: 'exact',
    startedAtMs: Date.parse('2026-11-20T12:00:00.123Z'),
    firstTokenMs: 40,
    latencyMs: 90,
    attempts: 1,
    finish: 'end_turn',
    status: 200,
    losses: [{ feature: 'top_k', path: 'top_k' }],
    endUser: 'jane',
    clientMetadata: { team: 'search' },
    clientRequestId: 'c-1',
    ...changes,
  };
}

/** `req_0`, `req_1`, … */
export function ids(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `req_${index}`);
}

/** As edge-api makes ids: of the time, a UUIDv7 in hexadecimal. */
export function idAt(atMs: number, index = 0): string {
  return `req_${atMs.toString(16).padStart(12, '0')}7${index.toString(16).padStart(19, '0')}`;
}
