import { createHash } from 'node:crypto';

/** SHA-256 of a key, lower-case hex: all that is kept of it. */
export function keyHash(plaintext: string): string {
  return createHash('sha256').update(plaintext).digest('hex');
}

export function keyId(tenantId: string, keyName: string): string {
  return `key_${tenantId}_${keyName}`;
}
