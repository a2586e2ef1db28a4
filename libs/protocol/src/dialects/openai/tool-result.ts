import type { Part, ToolResultPart } from '../../conversation';
import type { JsonObject } from '../../json';
import { readToolReferenceLabel, TOOL_ERROR } from './labels';

/** The texts of a failed result, so that the model sees that it failed. */
export function labelError(texts: JsonObject[], type: 'text' | 'input_text'): JsonObject[] {
  const [first] = texts;
  if (!first) return [{ type, text: TOOL_ERROR }];
  if (texts.length === 1 && typeof first.text === 'string') return [{ type, text: `${TOOL_ERROR}\n${first.text}` }];
  return [{ type, text: TOOL_ERROR }, ...texts];
}

/**
 * A result with what labels stand for.
 *
 * @param toolNames declared in `tools`: only these can have been loaded by a tool search
 */
export function restoreResult(callId: string, parts: Part[], toolNames: ReadonlySet<string>): ToolResultPart {
  const [first, ...rest] = parts;
  const isError = first?.type === 'text' && (first.text === TOOL_ERROR || first.text.startsWith(`${TOOL_ERROR}\n`));
  if (isError) {
    const text = first.text.slice(TOOL_ERROR.length + 1);
    parts = text === '' ? rest : [{ ...first, text }, ...rest];
  }
  const restored = parts.map((part): Part => {
    const toolName = part.type === 'text' ? readToolReferenceLabel(part.text) : undefined;
    return toolName !== undefined && toolNames.has(toolName) ? { type: 'tool-reference', toolName } : part;
  });
  return { type: 'tool-result', callId, parts: restored, ...(isError && { isError }) };
}
