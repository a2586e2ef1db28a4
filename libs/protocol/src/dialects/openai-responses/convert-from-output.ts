import { TOOL_SEARCH, type Part, type ToolCallPart } from '../../conversation';
import type { Fault } from '../../dialect';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import type { Unmapped } from '../../loss';
import { isAbsent, textMember } from '../openai/members';
import { arrayMember } from './reply-wire';
import { openThinking } from './sealed-thinking';
import { DIALECT_ID, joinToolName } from './wire';

const READ_OF_MESSAGE = new Set(['type', 'id', 'role', 'status', 'content']);
const READ_OF_TEXT = new Set(['type', 'text', 'annotations', 'logprobs']);
const READ_OF_REFUSAL = new Set(['type', 'refusal']);
const READ_OF_REASONING = new Set(['type', 'id', 'status', 'summary', 'content', 'encrypted_content']);
const READ_OF_REASONING_TEXT = new Set(['type', 'text']);
const READ_OF_CALL = new Set(['type', 'id', 'status', 'call_id', 'name', 'namespace', 'arguments', 'input', 'caller']);
const READ_OF_TOOL_SEARCH = new Set(['type', 'id', 'status', 'call_id', 'execution', 'arguments']);

/** What reading the output of one reply turned up beside its parts. Created per reply. */
export class OutputFindings {
  readonly unmapped: Unmapped[] = [];
  /** Of all texts, one list. */
  readonly logprobs: JsonValue[] = [];
  fault: Fault | undefined;

  constructor(private readonly toolNames: ReadonlyMap<string, string>) {}

  leaveRest(record: JsonObject, read: ReadonlySet<string>, path: string): void {
    for (const [name, value] of Object.entries(record)) {
      if (!read.has(name) && !isAbsent(value)) this.unmapped.push({ path: `${path}.${name}`, value });
    }
  }

  /** The client's own name of a tool. */
  toolName(sent: string): string {
    return this.toolNames.get(sent) ?? sent;
  }

  fail(message: string, param: string): void {
    this.fault ??= { message, param };
  }
}

/** One item of `output` → the parts it says. */
export function decodeOutputItem(item: JsonValue, path: string, findings: OutputFindings): Part[] {
  if (!isJsonObject(item)) {
    findings.fail('The upstream sent an output item that is not an object.', path);
    return [];
  }
  switch (item.type) {
    case 'message':
      findings.leaveRest(item, READ_OF_MESSAGE, path);
      return arrayMember(item, 'content').flatMap((part, index) =>
        decodeContent(part, `${path}.content[${index}]`, findings),
      );
    case 'reasoning':
      return decodeReasoning(item, path, findings);
    case 'function_call':
    case 'custom_tool_call':
      return decodeCall(item, path, findings);
    case 'tool_search_call':
      if (!isClientSearch(item)) return [opaque(item)];
      findings.leaveRest(item, READ_OF_TOOL_SEARCH, path);
      return [callPart(item, TOOL_SEARCH, callText(item))];
    default:
      return [opaque(item)];
  }
}

function opaque(wire: JsonObject): Part {
  return { type: 'opaque', dialect: DIALECT_ID, wire };
}

function decodeContent(value: JsonValue, path: string, findings: OutputFindings): Part[] {
  if (!isJsonObject(value)) {
    findings.fail('The upstream sent a content part that is not an object.', path);
    return [];
  }
  if (value.type === 'refusal') {
    findings.leaveRest(value, READ_OF_REFUSAL, path);
    return [{ type: 'refusal', text: textMember(value, 'refusal') ?? '' }];
  }
  if (value.type !== 'output_text') {
    findings.unmapped.push({ path, value });
    return [];
  }
  findings.leaveRest(value, READ_OF_TEXT, path);
  findings.logprobs.push(...arrayMember(value, 'logprobs'));
  const citations = arrayMember(value, 'annotations');
  const text = textMember(value, 'text') ?? '';
  return [citations.length > 0 ? { type: 'text', text, citations } : { type: 'text', text }];
}

function decodeReasoning(item: JsonObject, path: string, findings: OutputFindings): Part[] {
  findings.leaveRest(item, READ_OF_REASONING, path);
  for (const list of ['summary', 'content']) {
    arrayMember(item, list).forEach((part, index) => {
      if (isJsonObject(part)) findings.leaveRest(part, READ_OF_REASONING_TEXT, `${path}.${list}[${index}]`);
    });
  }
  const { text, unread } = reasoningText(item);
  if (unread) findings.unmapped.push({ path: `${path}.content`, value: arrayMember(item, 'content') });
  const sealed = textMember(item, 'encrypted_content');
  if (!sealed) return text === '' ? [] : [{ type: 'thinking', text }];
  return [openThinking(text, sealed)];
}

/** The summary, its parts apart by blank lines; where there is none, what the model thought. */
export function reasoningText(item: JsonObject): { text: string; /** Content beside a summary. */ unread: boolean } {
  const summary = joinTexts(arrayMember(item, 'summary'), '\n\n');
  const content = joinTexts(arrayMember(item, 'content'), '');
  return summary === '' ? { text: content, unread: false } : { text: summary, unread: content !== '' };
}

function joinTexts(parts: JsonValue[], separator: string): string {
  return parts.map((part) => (isJsonObject(part) ? (textMember(part, 'text') ?? '') : '')).join(separator);
}

function decodeCall(item: JsonObject, path: string, findings: OutputFindings): Part[] {
  findings.leaveRest(item, READ_OF_CALL, path);
  const { caller } = item;
  // A direct call is the default.
  if (!isAbsent(caller) && !(isJsonObject(caller) && caller.type === 'direct')) {
    findings.unmapped.push({ path: `${path}.caller`, value: caller });
  }
  const name = callName(item);
  if (name === '') findings.fail('The upstream sent a tool call without a name.', `${path}.name`);
  if (item.type !== 'custom_tool_call') return [callPart(item, findings.toolName(name), callText(item))];
  return [{ ...callPart(item, findings.toolName(name), callText(item)), custom: true }];
}

function callPart(item: JsonObject, name: string, text: string): ToolCallPart {
  return { type: 'tool-call', id: callId(item), name, arguments: text };
}

/** The id the client answers with; some servers give the item's only. */
export function callId(item: JsonObject): string {
  return textMember(item, 'call_id') || textMember(item, 'id') || '';
}

/** With its namespace, as it is named among the tools. */
export function callName(item: JsonObject): string {
  const name = textMember(item, 'name') ?? '';
  const namespace = textMember(item, 'namespace');
  return namespace === undefined || name === '' ? name : joinToolName({ namespace, name });
}

/** What a call was given: JSON text for a function or a search (whose arguments are a value), free text for a custom tool. */
export function callText(item: JsonObject): string {
  const value = item.type === 'custom_tool_call' ? item.input : item.arguments;
  if (typeof value === 'string') return value;
  return isAbsent(value) ? '' : JSON.stringify(value);
}

export function isClientSearch(item: JsonObject): boolean {
  return item.type === 'tool_search_call' && item.execution === 'client';
}
