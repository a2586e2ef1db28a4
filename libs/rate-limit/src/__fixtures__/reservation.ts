import { type ReservationRequest, reservedScopes, type ScopeBounds, type Settlement } from '@switchboard/contracts';

/** Small amounts of one key of `acme`; `changes` replaces what matters to a test. */
export function reservation(requestId: string, changes: Partial<ReservationRequest> = {}): ReservationRequest {
  return {
    requestId,
    group: 'tenant:acme',
    scopes: [bounds('key:key_1')],
    amounts: { inputTokens: 10, outputTokens: { least: 5, most: 5 }, nanoUsd: 100 },
    startedAtMs: Date.parse('2026-11-20T10:00:00Z'),
    intent: {
      ...{ tenantId: 'acme', keyId: 'key_1', requestedModel: 'm', model: 'm', upstream: 'u' },
      ...{ clientDialect: 'openai-chat', upstreamDialect: 'openai-chat', stream: true },
    },
    ...changes,
  };
}

export function bounds(scope: string, changes: Partial<ScopeBounds> = {}): ScopeBounds {
  return { scope, limits: {}, budgets: [], ...changes };
}

export function settlement(request: ReservationRequest, spent: Partial<Settlement> = {}): Settlement {
  const { requestId, group, scopes, amounts } = request;
  return {
    ...{ requestId, group, nanoUsd: amounts.nanoUsd },
    scopes: reservedScopes(scopes),
    inputTokens: amounts.inputTokens,
    outputTokens: amounts.outputTokens.most,
    ...spent,
  };
}
