import type { RedactedThinkingPart, ThinkingPart } from '../../conversation';
import type { DialectId } from '../../dialect';
import { openSignature, sealSignature } from '../../signature-envelope';
import { DIALECT_ID } from './wire';

/**
 * Tells redacted thinking of another dialect from a signature without a text, which Anthropic sends as well
 * (`display: omitted`): a reasoning item has `encrypted_content` for both. No signature has a colon in it.
 */
const REDACTED = 'redacted:';

/** `encrypted_content` of the signature of a thinking part; undefined where it has none. */
export function sealThinking(signature: string | undefined, signedBy: DialectId | undefined): string | undefined {
  return signature ? sealSignature(signature, signedBy ?? DIALECT_ID, DIALECT_ID) : undefined;
}

export function sealRedacted(data: string, signedBy: DialectId | undefined): string {
  const isOwn = signedBy === undefined || signedBy === DIALECT_ID;
  return isOwn ? data : sealSignature(`${REDACTED}${data}`, signedBy, DIALECT_ID);
}

/** The part that a reasoning item with `encrypted_content` says. */
export function openThinking(text: string, sealed: string): ThinkingPart | RedactedThinkingPart {
  const { signature, signedBy } = openSignature(sealed, DIALECT_ID);
  if (signedBy !== DIALECT_ID && signature.startsWith(REDACTED)) {
    return { type: 'redacted-thinking', data: signature.slice(REDACTED.length), signedBy };
  }
  return { type: 'thinking', text, signature, signedBy };
}
