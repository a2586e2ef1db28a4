import { TOOL_SEARCH, type ToolCallPart, type ToolResultPart } from '../../conversation';
import { isJsonObject, type JsonObject } from '../../json';
import type { Findings } from '../openai/findings';
import { isAbsent } from '../openai/members';
import { readArguments } from '../openai/tool-arguments';
import { restoreResult } from '../openai/tool-result';
import { decodeContent, RESULT_PARTS } from './convert-from-parts';
import type { ToolList } from './convert-from-tools';
import { joinToolName } from './wire';

const READ_OF_CALL: ReadonlySet<string> = new Set([
  ...['type', 'id', 'status', 'call_id', 'name', 'namespace', 'arguments', 'input', 'caller', 'async'],
]);
/** The name and namespace of an output repeat those of its call. */
const READ_OF_OUTPUT: ReadonlySet<string> = new Set([
  ...['type', 'id', 'status', 'call_id', 'name', 'namespace', 'output', 'caller'],
]);
const READ_OF_TOOL_SEARCH: ReadonlySet<string> = new Set([
  ...['type', 'id', 'status', 'call_id', 'execution', 'arguments', 'tools', 'created_by'],
]);

/** A `function_call` or `custom_tool_call`. */
export function decodeCall(item: JsonObject, path: string, findings: Findings): ToolCallPart {
  findings.leaveRest(item, READ_OF_CALL, path);
  leaveCaller(item, path, findings);
  if (findings.scalar(item, 'async', 'boolean', path) === true) findings.leave(`${path}.async`, true);
  const id = findings.required(item, 'call_id', path);
  const namespace = findings.scalar(item, 'namespace', 'string', path);
  const plain = findings.required(item, 'name', path);
  const name = joinToolName(namespace === undefined ? { name: plain } : { name: plain, namespace });
  if (item.type === 'custom_tool_call') {
    const input = findings.scalar(item, 'input', 'string', path) ?? '';
    return { type: 'tool-call', id, name, arguments: input, custom: true };
  }
  const text = findings.scalar(item, 'arguments', 'string', path) ?? '';
  return { type: 'tool-call', id, name, arguments: readArguments(text) };
}

/** A call by the model itself is the default. */
function leaveCaller({ caller }: JsonObject, path: string, findings: Findings): void {
  const isDirect = isJsonObject(caller) && caller.type === 'direct';
  if (!isAbsent(caller) && !isDirect) findings.leave(`${path}.caller`, caller);
}

/** A `function_call_output` or `custom_tool_call_output`. */
export function decodeCallOutput(
  item: JsonObject,
  path: string,
  toolNames: ReadonlySet<string>,
  findings: Findings,
): ToolResultPart {
  findings.leaveRest(item, READ_OF_OUTPUT, path);
  leaveCaller(item, path, findings);
  const callId = findings.required(item, 'call_id', path);
  return restoreResult(callId, decodeContent(item.output, `${path}.output`, RESULT_PARTS, findings), toolNames);
}

/** Undefined: the search is the provider's own. */
export function decodeToolSearchCall(item: JsonObject, path: string, findings: Findings): ToolCallPart | undefined {
  if (item.execution !== 'client') return undefined;
  findings.leaveRest(item, READ_OF_TOOL_SEARCH, path);
  const { arguments: given } = item;
  const text = isAbsent(given) ? '' : typeof given === 'string' ? given : JSON.stringify(given);
  return { type: 'tool-call', id: findings.required(item, 'call_id', path), name: TOOL_SEARCH, arguments: text };
}

/** What the client's search found: it is declared with the other tools, and referred to here. Undefined as of the call. */
export function decodeToolSearchOutput(
  item: JsonObject,
  path: string,
  tools: ToolList,
  findings: Findings,
): ToolResultPart | undefined {
  if (item.execution !== 'client') return undefined;
  findings.leaveRest(item, READ_OF_TOOL_SEARCH, path);
  const found = tools.add(item.tools, `${path}.tools`);
  return {
    type: 'tool-result',
    callId: findings.required(item, 'call_id', path),
    parts: found.map((toolName) => ({ type: 'tool-reference', toolName })),
  };
}
