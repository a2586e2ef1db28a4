import type { Part, ToolResultPart } from '../../conversation';
import type { JsonObject } from '../../json';
import { place, unwrapDocuments } from '../openai/placed-parts';
import { collapse, encodeUserParts, text } from './convert-to-parts';
import type { Encoding } from '../openai/encoding';
import { labelError } from '../openai/tool-result';
import { attachmentLabel, ATTACHMENTS_FOLLOW } from './labels';

export interface PlacedResult {
  result: ToolResultPart;
  path: string;
}

/** A tool message, and what it cannot carry: labelled attachments for the user message after all tool messages. */
export interface EncodedResult {
  message: JsonObject;
  attachments: JsonObject[];
}

export function encodeToolResult({ result, path }: PlacedResult, encoding: Encoding): EncodedResult {
  encoding.loseExtras(result, path);
  const placed = place(result.parts, `${path}.content`).flatMap((entry) => unwrapDocuments(entry, encoding));
  const lastText = placed.findLastIndex(({ part }) => !isAttachment(part));
  const texts: JsonObject[] = [];
  const attachments: JsonObject[] = [];
  placed.forEach((entry, index) => {
    const wires = encodeUserParts([entry], encoding);
    if (!isAttachment(entry.part)) {
      texts.push(...wires);
      return;
    }
    const position = index < lastText ? texts.length + attachments.length / 2 : undefined;
    for (const wire of wires) attachments.push(text(attachmentLabel(result.callId, position)), wire);
  });
  if (texts.length === 0 && attachments.length > 0) texts.push(text(ATTACHMENTS_FOLLOW));
  const content = collapse(result.isError ? labelError(texts, 'text') : texts);
  return { message: { role: 'tool', tool_call_id: result.callId, content }, attachments };
}

/** Tool messages carry text only. Documents that are text become text where they stand. */
function isAttachment(part: Part): boolean {
  switch (part.type) {
    case 'image':
    case 'audio':
      return true;
    case 'document':
      return part.source.type !== 'text';
    default:
      return false;
  }
}
