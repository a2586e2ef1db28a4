import type { DialectId } from './dialect';

/**
 * A client keeps the signature of a model's thinking and hands it back, whatever dialect it speaks. Where the signature is
 * another dialect's than the client's, it travels in an envelope that names its dialect (`sbsig.anthropic-messages.EqQB…`),
 * so that a session which moves between providers keeps the signatures of all of them: each is withheld from the others
 * and returned to its own.
 */
const PREFIX = 'sbsig.';

const DIALECTS: readonly DialectId[] = ['anthropic-messages', 'openai-chat', 'openai-responses'];

export interface OpenedSignature {
  signature: string;
  signedBy: DialectId;
}

/** What a client of dialect `client` is given for a signature: itself where it is of that dialect. */
export function sealSignature(signature: string, signedBy: DialectId | undefined, client: DialectId): string {
  return signedBy === undefined || signedBy === client ? signature : `${PREFIX}${signedBy}.${signature}`;
}

/** The signature a client of dialect `client` hands back, and whose it is: of its own dialect where there is no envelope. */
export function openSignature(sealed: string, client: DialectId): OpenedSignature {
  if (sealed.startsWith(PREFIX)) {
    const end = sealed.indexOf('.', PREFIX.length);
    const signedBy = DIALECTS.find((dialect) => dialect === sealed.slice(PREFIX.length, end));
    if (signedBy !== undefined) return { signature: sealed.slice(end + 1), signedBy };
  }
  return { signature: sealed, signedBy: client };
}
