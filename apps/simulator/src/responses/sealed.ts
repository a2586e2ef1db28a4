import { createHash } from 'node:crypto';

const PREFIX = 'gAAAAASim';
const DIGEST_LENGTH = 44;

/** What stands for text in `encrypted_content`: made from it alone, so that what was changed on the way is found out. */
export function seal(text: string): string {
  return PREFIX + createHash('sha256').update(`sealed/${text}`).digest('base64') + Buffer.from(text).toString('base64');
}

/** The text, or undefined where the simulator did not make it. */
export function unseal(sealed: string): string | undefined {
  const text = Buffer.from(sealed.slice(PREFIX.length + DIGEST_LENGTH), 'base64').toString();
  return seal(text) === sealed ? text : undefined;
}
