import type { ReservationRequestV1, SettlementV1 } from '@switchboard/contracts';

export function reservation(requestId: string, keyId = 'key_1'): ReservationRequestV1 {
  const unbounded = { limits: {} };
  return { requestId, keyId, tenantId: 'acme', model: 'm', key: unbounded, tenant: unbounded, startedAtMs: 1 };
}

export function settlement(requestId: string, keyId = 'key_1'): SettlementV1 {
  return { requestId, keyId, tenantId: 'acme', costNanoUsd: 1, inputTokens: 1, outputTokens: 1 };
}
