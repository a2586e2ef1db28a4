import type { RedactedThinkingPart, ThinkingPart } from './conversation';
import type { DialectId } from './dialect';

/**
 * A client keeps the signature of a model's thinking and hands it back, whatever dialect it speaks. Where the signature is
 * another dialect's than the client's, it travels in an envelope that names its dialect, so that a session which moves
 * between providers keeps the signatures of all of them: each is withheld from the others and returned to its own.
 *
 * `sbsig.anthropic-messages.EqQB…` is a signature (Responses: `encrypted_content`), `sbred.anthropic-messages.EvAF…`
 * the data of redacted thinking, which is no signature and must not come back as one.
 */
const SIGNATURE = 'sbsig.';
const REDACTED = 'sbred.';

const DIALECTS: readonly DialectId[] = ['anthropic-messages', 'openai-chat', 'openai-responses'];

/** What a client of dialect `client` is given for a signature: itself where it is of that dialect. */
export function sealSignature(signature: string, signedBy: DialectId | undefined, client: DialectId): string {
  return seal(SIGNATURE, signature, signedBy, client);
}

/** As `sealSignature`, for the data of redacted thinking. */
export function sealRedacted(data: string, signedBy: DialectId | undefined, client: DialectId): string {
  return seal(REDACTED, data, signedBy, client);
}

/** The signature a client of dialect `client` hands back, and whose it is. */
export function openSignature(
  sealed: string,
  client: DialectId,
): Required<Pick<ThinkingPart, 'signature' | 'signedBy'>> {
  const { content, signedBy } = open(SIGNATURE, sealed) ?? { content: sealed, signedBy: client };
  return { signature: content, signedBy };
}

/** As `openSignature`, for redacted thinking. */
export function openRedacted(
  sealed: string,
  client: DialectId,
): Required<Pick<RedactedThinkingPart, 'data' | 'signedBy'>> {
  const { content, signedBy } = open(REDACTED, sealed) ?? { content: sealed, signedBy: client };
  return { data: content, signedBy };
}

/** Tells redacted thinking apart where a dialect has one field for both (Responses `encrypted_content`). */
export function isSealedRedacted(sealed: string): boolean {
  return open(REDACTED, sealed) !== undefined;
}

function seal(prefix: string, content: string, signedBy: DialectId | undefined, client: DialectId): string {
  return signedBy === undefined || signedBy === client ? content : `${prefix}${signedBy}.${content}`;
}

function open(prefix: string, sealed: string): { content: string; signedBy: DialectId } | undefined {
  if (!sealed.startsWith(prefix)) return undefined;
  const end = sealed.indexOf('.', prefix.length);
  const signedBy = DIALECTS.find((dialect) => dialect === sealed.slice(prefix.length, end));
  return signedBy && { content: sealed.slice(end + 1), signedBy };
}
