import type { DocumentPart } from '../../conversation';

/**
 * Texts that stand in for what OpenAI's dialects have no field for. Models read them; `decodeRequest` recognises them
 * letter for letter and restores what they stand for, so a conversation that went out and came back is the same.
 */

/** First line of a failed tool result. */
export const TOOL_ERROR = '[tool result is an error]';

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
