import type { SpendingRequestV1 } from '@switchboard/contracts';

/** @throws TypeError that names the fault: anybody who reaches the bus may ask. */
export function parseSpendingRequest(request: unknown): SpendingRequestV1 {
  if (typeof request !== 'object' || request === null) throw new TypeError('not an object');
  const { tenantId, keyId, fromMs } = request as Record<string, unknown>;
  if (!isId(tenantId)) throw new TypeError('tenantId is not a text of at least one character');
  if (keyId !== undefined && !isId(keyId)) throw new TypeError('keyId is not a text of at least one character');
  if (!isTime(fromMs)) throw new TypeError('fromMs is not a whole number from 0');
  return { tenantId, fromMs, ...(keyId === undefined ? {} : { keyId }) };
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
