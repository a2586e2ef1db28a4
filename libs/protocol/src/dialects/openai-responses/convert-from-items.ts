import type { Message, Part } from '../../conversation';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { openSummary } from '../../summary-envelope';
import type { Findings } from '../openai/findings';
import { isAbsent, textMember } from '../openai/members';
import { decodeCall, decodeCallOutput, decodeToolSearchCall, decodeToolSearchOutput } from './convert-from-calls';
import { decodeContent, INPUT_PARTS, OUTPUT_PARTS } from './convert-from-parts';
import { decodeReasoning } from './convert-from-reasoning';
import type { ToolList } from './convert-from-tools';
import { DIALECT_ID, ROLES, type WireRole } from './wire';

const READ_OF_MESSAGE: ReadonlySet<string> = new Set(['type', 'role', 'content', 'id', 'status']);
const READ_OF_ADDITIONAL_TOOLS: ReadonlySet<string> = new Set(['type', 'role', 'tools', 'id']);
const READ_OF_COMPACTION: ReadonlySet<string> = new Set(['type', 'encrypted_content', 'id', 'created_by']);

/** Where reading stands between one item and the next. Created per request. */
interface State {
  readonly messages: Message[];
  /** The user message that takes the outputs of the calls now being read; a message of the user closes it. */
  results: Message | undefined;
  compaction: boolean;
  readonly tools: ToolList;
  readonly findings: Findings;
}

export interface DecodedInput {
  messages: Message[];
  compaction: boolean;
}

/** `instructions` and `input` as messages. Tools that items bring along go to `tools`. */
export function decodeInput(body: JsonObject, tools: ToolList, findings: Findings): DecodedInput {
  const state: State = { messages: [], results: undefined, compaction: false, tools, findings };
  const instructions = findings.scalar(body, 'instructions', 'string');
  if (instructions) state.messages.push({ role: 'system', parts: [{ type: 'text', text: instructions }] });
  const { input } = body;
  if (isAbsent(input)) missingInput(findings);
  else if (typeof input === 'string') {
    state.messages.push({ role: 'user', parts: decodeContent(input, 'input', INPUT_PARTS, findings) });
  } else decodeItems(input, state);
  return { messages: state.messages, compaction: state.compaction };
}

function missingInput(findings: Findings): void {
  findings.fail(
    `One of "input" or "previous_response_id" or 'prompt' or 'conversation_id' must be provided.`,
    'input',
    'missing_required_parameter',
  );
}

function decodeItems(input: JsonValue, state: State): void {
  const { findings } = state;
  if (!Array.isArray(input)) findings.wrongType('input', 'one of an array of objects or string', input);
  else if (input.length === 0) missingInput(findings);
  else {
    input.forEach((item, index) => {
      const path = `input[${index}]`;
      if (isJsonObject(item)) decodeItem(item, path, state);
      else findings.wrongType(path, 'an object', item);
    });
  }
}

function decodeItem(item: JsonObject, path: string, state: State): void {
  const { findings, tools } = state;
  const type = typeOf(item, path, findings);
  switch (type) {
    case undefined:
      return;
    case 'message':
      decodeMessage(item, path, state);
      return;
    case 'reasoning':
      addToAssistant(decodeReasoning(item, path, findings), state);
      return;
    case 'function_call':
    case 'custom_tool_call':
      addToAssistant([decodeCall(item, path, findings)], state);
      return;
    case 'function_call_output':
    case 'custom_tool_call_output':
      addToResults(decodeCallOutput(item, path, tools.names, findings), state);
      return;
    case 'tool_search_call':
      addToAssistant([decodeToolSearchCall(item, path, findings) ?? opaque(item)], state);
      return;
    case 'tool_search_output':
      addToResults(decodeToolSearchOutput(item, path, tools, findings) ?? opaque(item), state);
      return;
    case 'additional_tools':
      findings.leaveRest(item, READ_OF_ADDITIONAL_TOOLS, path);
      tools.add(item.tools, `${path}.tools`);
      return;
    case 'item_reference':
      findings.leave(path, item, 'item_reference');
      return;
    case 'compaction':
      decodeCompaction(item, path, state);
      return;
    case 'compaction_trigger':
      state.compaction = true;
      return;
    default:
      // Outputs of tools that the provider knows come from the client; everything else came from the model.
      if (/_(?:output|response|update)$/.test(type)) addToResults(opaque(item), state);
      else addToAssistant([opaque(item)], state);
  }
}

/** Messages and references may leave their type out. */
function typeOf(item: JsonObject, path: string, findings: Findings): string | undefined {
  if (!isAbsent(item.type)) return findings.scalar(item, 'type', 'string', path);
  if (!isAbsent(item.role)) return 'message';
  if (!isAbsent(item.id)) return 'item_reference';
  findings.missing(`${path}.type`);
  return undefined;
}

function opaque(wire: JsonObject): Part {
  return { type: 'opaque', dialect: DIALECT_ID, wire };
}

/** What the model put out from one word of the user to the next is one message, in its order. */
function addToAssistant(parts: Part[], state: State): void {
  state.results = undefined;
  if (parts.length === 0) return;
  const last = state.messages.at(-1);
  if (last?.role === 'assistant') last.parts.push(...parts);
  else state.messages.push({ role: 'assistant', parts });
}

function addToResults(part: Part, state: State): void {
  if (state.results) {
    state.results.parts.push(part);
    return;
  }
  state.results = { role: 'user', parts: [part] };
  state.messages.push(state.results);
}

function decodeMessage(item: JsonObject, path: string, state: State): void {
  const { findings } = state;
  findings.leaveRest(item, READ_OF_MESSAGE, path);
  const role = decodeRole(item, path, findings);
  if (role === undefined) return;
  const allowed = role === 'assistant' ? OUTPUT_PARTS : INPUT_PARTS;
  const parts = decodeContent(item.content, `${path}.content`, allowed, findings);
  if (role === 'assistant') {
    addAssistantMessage(parts, state);
    return;
  }
  const { results } = state;
  state.results = undefined;
  if (role === 'user' && results) results.parts.push(...parts);
  else if (role === 'user') state.messages.push({ role, parts });
  else state.messages.push({ role: 'system', parts, ...(role === 'developer' && { developer: true }) });
}

/** One without content is a turn all the same. */
function addAssistantMessage(parts: Part[], state: State): void {
  if (parts.length === 0 && state.messages.at(-1)?.role !== 'assistant') {
    state.results = undefined;
    state.messages.push({ role: 'assistant', parts });
  } else addToAssistant(parts, state);
}

function decodeRole(item: JsonObject, path: string, findings: Findings): WireRole | undefined {
  const role = ROLES.find((name) => name === item.role);
  if (role !== undefined) return role;
  if (isAbsent(item.role)) findings.missing(`${path}.role`);
  else findings.unsupportedValue(`${path}.role`, item.role, ROLES);
  return undefined;
}

/** A summary that we made is text; one that the provider made, only it can read. */
function decodeCompaction(item: JsonObject, path: string, state: State): void {
  const sealed = textMember(item, 'encrypted_content');
  const summary = sealed === undefined ? undefined : openSummary(sealed);
  if (summary === undefined) {
    addToAssistant([opaque(item)], state);
    return;
  }
  state.findings.leaveRest(item, READ_OF_COMPACTION, path);
  state.results = undefined;
  state.messages.push({ role: 'user', parts: [{ type: 'text', text: summary }] });
}
