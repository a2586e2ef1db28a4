import type { CallLoggedV1 } from '@switchboard/contracts';

const DAY_MS = 86_400_000;

/** As edge-api makes them: `req_` and a UUIDv7. `index` tells apart those of one millisecond. */
export function requestIdAt(atMs: number, index = 0): string {
  return `req_${atMs.toString(16).padStart(12, '0')}7${index.toString(16).padStart(19, '0')}`;
}

export const daysAgo = (days: number): number => Date.now() - days * DAY_MS;

/** A call as edge-api tells of it. */
export function call(requestId: string, changes: Partial<CallLoggedV1> = {}): CallLoggedV1 {
  return {
    requestId,
    clientRequestId: 'trace-1',
    atMs: Date.parse('2026-11-20T12:00:00.123Z'),
    tenantId: 'acme',
    keyId: 'key_1',
    endpoint: 'messages',
    clientDialect: 'anthropic-messages',
    requestedModel: 'sonnet',
    model: 'anthropic/claude-sonnet-4.6',
    upstream: 'claude-direct',
    stream: true,
    status: 200,
    outcome: 'stop',
    usage: {
      inputTokens: 10,
      cacheReadTokens: 1,
      cacheWrite5mTokens: 2,
      cacheWrite1hTokens: 3,
      outputTokens: 20,
      reasoningTokens: 4,
    },
    costNanoUsd: 330_000,
    accuracy: 'exact',
    latencyMs: 90,
    firstTokenMs: 40,
    attempts: 1,
    ip: '203.0.113.7',
    userAgent: 'sdk/1.0',
    ...changes,
  };
}

/** Refused before its body was read. */
export function refusedCall(requestId: string, changes: Partial<CallLoggedV1> = {}): CallLoggedV1 {
  const { atMs, tenantId, keyId, endpoint, clientDialect, ip } = call(requestId);
  return {
    ...{ requestId, atMs, tenantId, keyId, endpoint, clientDialect, ip },
    ...{ status: 403, outcome: 'ip_not_allowed', latencyMs: 1, attempts: 0, ...changes },
  };
}
