import type { DocumentPart } from '../../conversation';

/**
 * Texts that stand in for what a Chat message has no field for. Models read them; `decodeRequest` recognises them
 * letter for letter and restores what they stand for, so a conversation that went out and came back is the same.
 */

/** First line of a failed tool result. */
export const TOOL_ERROR = '[tool result is an error]';

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

const TOOL_LOADED = /^\[tool loaded: ([^\]]+)\]$/;

/** A tool found by a tool search; its definition is among the tools of the request. */
export function toolReferenceLabel(toolName: string): string {
  return `[tool loaded: ${toolName}]`;
}

export function readToolReferenceLabel(text: string): string | undefined {
  return TOOL_LOADED.exec(text)?.[1];
}

/** First lines of a document carried as text; empty where it has neither title nor context. */
export function documentHeading(document: DocumentPart): string {
  const title = document.title === undefined ? '' : `[document: ${document.title}]\n`;
  const context = document.context === undefined ? '' : `[about this document: ${document.context}]\n`;
  return title + context;
}
