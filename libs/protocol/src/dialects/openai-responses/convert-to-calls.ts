import { TOOL_SEARCH, type Conversation, type Tool, type ToolCallPart, type ToolResultPart } from '../../conversation';
import type { JsonObject, JsonValue } from '../../json';
import type { Encoding } from '../openai/encoding';
import { place, unwrapDocuments } from '../openai/placed-parts';
import { writeArguments } from '../openai/tool-arguments';
import { labelError } from '../openai/tool-result';
import { collapse, encodeInputParts } from './convert-to-parts';
import { encodeToolList } from './convert-to-tools';
import { splitToolName } from './wire';

export function encodeCall(call: ToolCallPart, path: string, encoding: Encoding): JsonObject {
  if (call.name === TOOL_SEARCH) {
    return { type: 'tool_search_call', call_id: call.id, execution: 'client', arguments: parseOr(call.arguments) };
  }
  const named = splitToolName(encoding.toolName(call.name));
  if (!call.custom) {
    return { type: 'function_call', call_id: call.id, ...named, arguments: writeArguments(call.arguments) };
  }
  if (!encoding.target.customTools) {
    encoding.refuse(`The upstream of this model does not take calls of free-text tools ('${call.name}').`, path);
  }
  return { type: 'custom_tool_call', call_id: call.id, ...named, input: call.arguments };
}

/** The arguments of a search are a value, not its text. */
export function parseOr(text: string): JsonValue {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    // Cut off at the token limit.
    return text;
  }
}

/** What the results of a request must know of its calls and tools. */
export class CallIndex {
  private readonly calls = new Map<string, ToolCallPart>();
  private readonly tools: ReadonlyMap<string, Tool>;

  constructor({ messages, tools }: Conversation) {
    for (const { parts } of messages) {
      for (const part of parts) if (part.type === 'tool-call') this.calls.set(part.id, part);
    }
    this.tools = new Map(tools.map((tool) => [tool.name, tool]));
  }

  encodeResult(result: ToolResultPart, path: string, encoding: Encoding): JsonObject {
    encoding.loseExtras(result, path);
    const call = this.calls.get(result.callId);
    if (call?.name === TOOL_SEARCH) return this.encodeSearchResult(result, path, encoding);
    const placed = place(result.parts, `${path}.content`).flatMap((entry) => unwrapDocuments(entry, encoding));
    const wires = encodeInputParts(placed, encoding);
    return {
      type: call?.custom ? 'custom_tool_call_output' : 'function_call_output',
      call_id: result.callId,
      output: collapse(result.isError ? labelError(wires, 'input_text') : wires),
    };
  }

  /** The definitions of the tools found, which stand here instead of among the others. */
  private encodeSearchResult({ callId, parts, isError }: ToolResultPart, path: string, encoding: Encoding): JsonObject {
    if (isError) encoding.lose('tool_result.is_error', `${path}.is_error`);
    const found: Tool[] = [];
    for (const { part, path: partPath } of place(parts, `${path}.content`)) {
      const tool = part.type === 'tool-reference' ? this.tools.get(part.toolName) : undefined;
      if (tool) found.push(tool);
      else encoding.lose(part.type === 'tool-reference' ? 'tool_reference' : `block.${part.type}`, partPath);
    }
    const tools = encodeToolList(found, `${path}.tools`, { tools: found }, encoding);
    return { type: 'tool_search_output', call_id: callId, execution: 'client', tools };
  }
}
