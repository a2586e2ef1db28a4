import { randomInt } from 'node:crypto';
import type { KeyRecord } from '@switchboard/contracts';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 36 × log2(62) = 214 bits. */
const SECRET_LENGTH = 36;
/** Of the secret, not of its prefix; 24 bits of 214. */
const HINT_LENGTH = 4;

export interface NewKey {
  plaintext: string;
  /** What is shown of it ever after. */
  hint: string;
}

/** `<keyPrefix>_live_…` or `_test_…` for services, `user.…` and `team.…` for owners. */
export function newKey(of: { kind: KeyRecord['kind']; environment: 'live' | 'test'; keyPrefix: string }): NewKey {
  const prefix = of.kind === 'service' ? `${of.keyPrefix}_${of.environment}_` : `${of.kind}.`;
  const secret = Array.from({ length: SECRET_LENGTH }, () => BASE62[randomInt(BASE62.length)]).join('');
  return { plaintext: prefix + secret, hint: prefix + secret.slice(0, HINT_LENGTH) };
}
