/**
 * Texts that stand in for what a Chat message alone has no field for, beside those of both OpenAI dialects: restored by
 * `decodeRequest` letter for letter as well.
 */

/** The text of a tool result that has nothing but attachments: an empty tool message reads as "no result". */
export const ATTACHMENTS_FOLLOW = '[tool result is in the attachments below]';

/**
 * Stands before one attachment in the user message after the tool results. `position` (0-based, among the parts of the
 * result) is given only where the attachment stood before or between texts; else it belongs at the end.
 */
export function attachmentLabel(callId: string, position?: number): string {
  return `[attachment of tool result ${callId}${position === undefined ? '' : `, part ${position + 1}`}]`;
}

/** The position a label of this call gives, `'end'` where it gives none, undefined for any other text. */
export function readAttachmentLabel(text: string, callId: string): number | 'end' | undefined {
  if (text === attachmentLabel(callId)) return 'end';
  const prefix = `[attachment of tool result ${callId}, part `;
  if (!text.startsWith(prefix)) return undefined;
  const digits = /^([1-9]\d{0,5})\]$/.exec(text.slice(prefix.length))?.[1];
  return digits === undefined ? undefined : Number(digits) - 1;
}
