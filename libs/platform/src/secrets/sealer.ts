import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { SecretRing } from './secret-ring';

/** Encrypts small texts so that only who holds the ring reads them, and only in the place they were sealed for. */
export interface Sealer {
  /** What `seal` uses. */
  readonly currentKeyId: string;
  /**
   * AES-256-GCM under the current key: `v1.<keyId>.<base64url(iv|tag|ciphertext)>`; the same text twice looks different.
   *
   * @param context where the text belongs (`provider/openai`); bound to it, not contained, and given again to open it.
   */
  seal(plaintext: string, context: string): string;
  /** @throws SealError when its key is not in the ring, or text or context are not those of the sealing. */
  open(sealed: string, context: string): string;
  /** The key it was sealed under. @throws SealError when it is no sealed text. */
  keyIdOf(sealed: string): string;
}

/** A sealed text does not open. The message names key ids at most. */
export class SealError extends Error {
  override readonly name = 'SealError';

  constructor(
    readonly reason: 'malformed' | 'unknown_key' | 'not_authentic',
    message: string,
    /** The key it claims to be sealed under. */
    readonly keyId?: string,
  ) {
    super(message);
  }
}

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const SEALED = /^v1\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]+)$/;

export function createSealer(ring: SecretRing): Sealer {
  const [current] = ring;
  const keys = new Map(ring.map(({ id, key }) => [id, key]));
  return {
    currentKeyId: current.id,
    seal: (plaintext, context) => `v1.${current.id}.${encrypt(current.key, plaintext, context).toString('base64url')}`,
    open: (sealed, context) => {
      const { keyId, box } = split(sealed);
      const key = keys.get(keyId);
      if (key === undefined) throw new SealError('unknown_key', `the key ${keyId} is not in the ring`, keyId);
      return decrypt(key, keyId, box, context);
    },
    keyIdOf: (sealed) => split(sealed).keyId,
  };
}

function encrypt(key: Buffer, plaintext: string, context: string): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(context, 'utf8'));
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), ciphertext]);
}

function decrypt(key: Buffer, keyId: string, box: Buffer, context: string): string {
  const decipher = createDecipheriv(CIPHER, key, box.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(context, 'utf8'));
  decipher.setAuthTag(box.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const start = decipher.update(box.subarray(IV_BYTES + TAG_BYTES));
  try {
    return Buffer.concat([start, decipher.final()]).toString('utf8');
  } catch {
    // OpenSSL says no more than that it failed.
    throw new SealError(
      'not_authentic',
      `not what was sealed under the key ${keyId}: altered, of another place, or of another key of that id`,
      keyId,
    );
  }
}

function split(sealed: string): { keyId: string; box: Buffer } {
  const [, keyId, encoded] = SEALED.exec(sealed) ?? [];
  if (keyId === undefined || encoded === undefined) throw malformed();
  const box = Buffer.from(encoded, 'base64url');
  // Several texts decode to the same bytes; only the one that was written is what was sealed.
  if (box.length < IV_BYTES + TAG_BYTES || box.toString('base64url') !== encoded) throw malformed();
  return { keyId, box };
}

function malformed(): SealError {
  return new SealError('malformed', 'not a sealed text (v1.<keyId>.<base64url>)');
}
