import type { Part, ToolResultPart } from '../../conversation';
import type { JsonObject } from '../../json';
import { collapse, encodeUserParts, place, text, type PlacedPart } from './convert-to-parts';
import type { Encoding } from './encoding';
import { attachmentLabel, ATTACHMENTS_FOLLOW, TOOL_ERROR } from './labels';

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
  const placed = place(result.parts, `${path}.content`);
  const inline = placed.filter(({ part }) => !isAttachment(part));
  const texts = encodeUserParts(inline, encoding);
  const attachments: JsonObject[] = [];
  placed.forEach((attachment, position) => {
    if (isAttachment(attachment.part)) attachments.push(...encodeAttachment(attachment, position, result, encoding));
  });
  if (texts.length === 0 && attachments.length > 0) texts.push(text(ATTACHMENTS_FOLLOW));
  const content = collapse(result.isError ? markError(texts) : texts);
  return { message: { role: 'tool', tool_call_id: result.callId, content }, attachments };
}

function encodeAttachment(
  attachment: PlacedPart,
  position: number,
  { callId, parts }: ToolResultPart,
  encoding: Encoding,
): JsonObject[] {
  const wires = encodeUserParts([attachment], encoding);
  const isLast = parts.slice(position + 1).every(isAttachment);
  const label = text(attachmentLabel(callId, isLast ? undefined : position));
  return wires.flatMap((wire) => [label, wire]);
}

function markError(texts: JsonObject[]): JsonObject[] {
  const [first] = texts;
  if (!first) return [text(TOOL_ERROR)];
  if (texts.length === 1 && typeof first.text === 'string') return [text(`${TOOL_ERROR}\n${first.text}`)];
  return [text(TOOL_ERROR), ...texts];
}

/** Tool messages carry text only. Documents that are text become text where they stand. */
function isAttachment(part: Part): boolean {
  switch (part.type) {
    case 'image':
    case 'audio':
      return true;
    case 'document':
      return part.source.type === 'parts' ? part.source.parts.some(isAttachment) : part.source.type !== 'text';
    default:
      return false;
  }
}
