import { createHmac, timingSafeEqual } from 'node:crypto';
import type { SecretRing, SecretRingEntry } from './secret-ring';

/** The hash an API key is stored and looked up by. */
export interface PepperedHash {
  /** HMAC-SHA-256 under the pepper over the lower-case hex SHA-256 of the plaintext key: lower-case hex. */
  hash: string;
  pepperId: string;
}

/**
 * From the SHA-256 of an API key to what is stored of it: without the pepper, a copy of the store tells nobody whether
 * a key is in it.
 */
export interface KeyHasher {
  /** Under the current pepper, for a new record. */
  current(sha256Hex: string): PepperedHash;
  /** Under every pepper, the current one first: where a record of this key may be. */
  candidates(sha256Hex: string): PepperedHash[];
  /** In constant time for hashes of one length. */
  sameHash(a: string, b: string): boolean;
}

const SHA256_HEX = /^[0-9a-f]{64}$/;

export function createKeyHasher(ring: SecretRing): KeyHasher {
  return {
    current: (sha256Hex) => pepper(ring[0], sha256Hex),
    candidates: (sha256Hex) => ring.map((entry) => pepper(entry, sha256Hex)),
    sameHash: (a, b) => {
      const [left, right] = [Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8')];
      return left.length === right.length && timingSafeEqual(left, right);
    },
  };
}

/** @throws RangeError for anything but a lower-case hex SHA-256, whose hash would never be found again. */
function pepper({ id, key }: SecretRingEntry, sha256Hex: string): PepperedHash {
  if (!SHA256_HEX.test(sha256Hex)) throw new RangeError('not a SHA-256 in lower-case hex');
  return { hash: createHmac('sha256', key).update(sha256Hex, 'ascii').digest('hex'), pepperId: id };
}
