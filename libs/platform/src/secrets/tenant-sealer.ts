import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { SealError } from './sealer';
import type { SecretRing } from './secret-ring';

/** Encrypts what belongs to tenants, of any size, each under a key of its own. */
export interface TenantSealer {
  /**
   * AES-256-GCM: a version byte, the key's id with its length before it, 12 bytes of IV, 16 of tag, the ciphertext. The
   * key of a tenant is derived (HKDF-SHA-256) from the current one of the ring.
   *
   * @param context where the content belongs (`response:resp_1`); bound to it, not contained, and given again to open it.
   */
  seal(content: Uint8Array, tenantId: string, context: string): Buffer;
  /** @throws SealError when its key is not in the ring, or content, tenant or context are not those of the sealing. */
  open(sealed: Uint8Array, tenantId: string, context: string): Buffer;
}

const CIPHER = 'aes-256-gcm';
const VERSION = 1;
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Says what the key is for, so that no other use of the ring ever derives the same one. */
const PURPOSE = 'switchboard tenant content v1';

export function createTenantSealer(ring: SecretRing): TenantSealer {
  const [current] = ring;
  const keys = new Map(ring.map(({ id, key }) => [id, key]));
  return {
    seal: (content, tenantId, context) => {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, tenantKey(current.key, tenantId), iv, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(context, 'utf8'));
      const ciphertext = [cipher.update(content), cipher.final()];
      const id = Buffer.from(current.id, 'latin1');
      return Buffer.concat([Buffer.of(VERSION, id.length), id, iv, cipher.getAuthTag(), ...ciphertext]);
    },
    open: (sealed, tenantId, context) => {
      const { keyId, iv, tag, ciphertext } = split(Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength));
      const key = keys.get(keyId);
      if (key === undefined) throw new SealError('unknown_key', `the key ${keyId} is not in the ring`, keyId);
      const decipher = createDecipheriv(CIPHER, tenantKey(key, tenantId), iv, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(context, 'utf8'));
      decipher.setAuthTag(tag);
      const start = decipher.update(ciphertext);
      try {
        return Buffer.concat([start, decipher.final()]);
      } catch {
        // OpenSSL says no more than that it failed.
        throw new SealError('not_authentic', `not what was sealed there under the key ${keyId}`, keyId);
      }
    },
  };
}

function tenantKey(key: Buffer, tenantId: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, Buffer.from(tenantId, 'utf8'), PURPOSE, KEY_BYTES));
}

function split(sealed: Buffer): { keyId: string; iv: Buffer; tag: Buffer; ciphertext: Buffer } {
  const ivAt = 2 + (sealed[1] ?? 0);
  const tagAt = ivAt + IV_BYTES;
  if (sealed[0] !== VERSION || sealed.length < tagAt + TAG_BYTES) {
    throw new SealError('malformed', 'not sealed content of a tenant');
  }
  return {
    keyId: sealed.toString('latin1', 2, ivAt),
    iv: sealed.subarray(ivAt, tagAt),
    tag: sealed.subarray(tagAt, tagAt + TAG_BYTES),
    ciphertext: sealed.subarray(tagAt + TAG_BYTES),
  };
}
