import type { Message, Part, ToolCallPart, ToolResultPart } from '../../conversation';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { decodeContent } from './convert-from-parts';
import { decodeToolCalls } from './convert-tool-calls';
import { decodeCacheHint } from '../openai/cache-hint';
import type { Findings } from '../openai/findings';
import { ATTACHMENTS_FOLLOW, readAttachmentLabel } from './labels';
import { isAbsent, textMember } from '../openai/members';
import { restoreResult } from '../openai/tool-result';
import { ROLES, type WireRole } from './wire';

const READ_OF_MESSAGE: ReadonlySet<string> = new Set(['role', 'content', 'name', 'cache_control']);
const READ_OF_ASSISTANT: ReadonlySet<string> = new Set([
  ...READ_OF_MESSAGE,
  'refusal',
  'tool_calls',
  'function_call',
  'reasoning_content',
  'reasoning',
]);
const READ_OF_TOOL: ReadonlySet<string> = new Set([...READ_OF_MESSAGE, 'tool_call_id']);

/** Where reading stands between one message and the next. Created per request. */
interface State {
  readonly messages: Message[];
  /** The user message that takes the results of the tool messages now being read. */
  results: ToolResultPart[] | undefined;
  /** Names declared in `tools`: only these can have been loaded by a tool search. */
  readonly toolNames: ReadonlySet<string>;
  readonly findings: Findings;
}

export function decodeMessages(
  value: JsonValue | undefined,
  toolNames: ReadonlySet<string>,
  findings: Findings,
): Message[] {
  if (isAbsent(value)) findings.missing('messages');
  const wires = findings.array(value, 'messages', 'an array of objects');
  if (wires?.length === 0) {
    findings.fail(
      `Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.`,
      'messages',
      'empty_array',
    );
  }
  const state: State = { messages: [], results: undefined, toolNames, findings };
  wires?.forEach((wire, index) => {
    const path = `messages[${index}]`;
    if (isJsonObject(wire)) decodeMessage(wire, path, state);
    else findings.wrongType(path, 'an object', wire);
  });
  return state.messages;
}

function decodeMessage(wire: JsonObject, path: string, state: State): void {
  const role = decodeRole(wire, path, state.findings);
  if (role === 'tool' || role === 'function') {
    decodeToolMessage(role, wire, path, state);
    return;
  }
  const answered = state.results;
  state.results = undefined;
  switch (role) {
    case 'system':
    case 'developer':
      state.messages.push(decodeSystem(role, wire, path, state.findings));
      return;
    case 'user':
      decodeUser(wire, path, answered, state);
      return;
    case 'assistant':
      state.messages.push(decodeAssistant(wire, path, state.findings));
      return;
    case undefined:
      return;
  }
}

function decodeRole(wire: JsonObject, path: string, findings: Findings): WireRole | undefined {
  const role = ROLES.find((name) => name === wire.role);
  if (role !== undefined) return role;
  if (isAbsent(wire.role)) findings.missing(`${path}.role`);
  else findings.unsupportedValue(`${path}.role`, wire.role, ROLES);
  return undefined;
}

function decodeSystem(role: 'system' | 'developer', wire: JsonObject, path: string, findings: Findings): Message {
  findings.leaveRest(wire, READ_OF_MESSAGE, path);
  if (!isAbsent(wire.name)) findings.leave(`${path}.name`, wire.name);
  requireContent(wire, path, findings);
  const parts = decodeContent(wire.content, `${path}.content`, ['text'], findings);
  markCache(wire, path, parts, findings);
  return role === 'developer' ? { role: 'system', parts, developer: true } : { role: 'system', parts };
}

function decodeUser(wire: JsonObject, path: string, answered: ToolResultPart[] | undefined, state: State): void {
  const { findings } = state;
  findings.leaveRest(wire, READ_OF_MESSAGE, path);
  requireContent(wire, path, findings);
  const allowed = ['text', 'image_url', 'input_audio', 'file'] as const;
  const parts = decodeContent(wire.content, `${path}.content`, allowed, findings);
  markCache(wire, path, parts, findings);
  const restored = answered ? restoreAttachments(answered, parts) : 0;
  if (restored > 0 && restored === parts.length) return;
  const name = findings.scalar(wire, 'name', 'string', path);
  const message: Message = { role: 'user', parts: parts.slice(restored) };
  if (name !== undefined) message.name = name;
  state.messages.push(message);
}

function requireContent(wire: JsonObject, path: string, findings: Findings): void {
  if (isAbsent(wire.content)) findings.missing(`${path}.content`);
}

function decodeAssistant(wire: JsonObject, path: string, findings: Findings): Message {
  findings.leaveRest(wire, READ_OF_ASSISTANT, path);
  const parts: Part[] = [];
  // Compatible servers return the reasoning under one of two names and take it back in history.
  const thinking = textMember(wire, 'reasoning_content') ?? textMember(wire, 'reasoning');
  if (thinking) parts.push({ type: 'thinking', text: thinking });
  parts.push(...decodeContent(wire.content, `${path}.content`, ['text', 'refusal'], findings));
  const refusal = findings.scalar(wire, 'refusal', 'string', path);
  if (refusal) parts.push({ type: 'refusal', text: refusal });
  parts.push(...decodeToolCalls(wire, path, findings));
  markCache(wire, path, parts, findings);
  if (parts.length === 0 && isAbsent(wire.content)) findings.missing(`${path}.content`);
  const name = findings.scalar(wire, 'name', 'string', path);
  return name === undefined ? { role: 'assistant', parts } : { role: 'assistant', parts, name };
}

function decodeToolMessage(role: 'tool' | 'function', wire: JsonObject, path: string, state: State): void {
  const { findings } = state;
  findings.leaveRest(wire, READ_OF_TOOL, path);
  const calls = openCalls(state);
  if (calls.length === 0) {
    const preceding = role === 'tool' ? 'tool_calls' : 'function_call';
    findings.fail(
      `Invalid parameter: messages with role '${role}' must be a response to a preceding message with '${preceding}'.`,
      `${path}.role`,
    );
  }
  const callId =
    role === 'tool' ? findings.required(wire, 'tool_call_id', path) : callIdOfName(wire, path, calls, state);
  if (role === 'tool') requireContent(wire, path, findings);
  const parts = decodeContent(wire.content, `${path}.content`, ['text'], findings);
  if (!state.results) {
    state.results = [];
    state.messages.push({ role: 'user', parts: state.results });
  }
  const result = restoreResult(callId, parts, state.toolNames);
  markCache(wire, path, [result], findings);
  state.results.push(result);
}

/** `cache_control` on a whole message, where AI SDK's clients put it: it stands behind the last part. */
function markCache(wire: JsonObject, path: string, parts: readonly Part[], findings: Findings): void {
  if (isAbsent(wire.cache_control)) return;
  const cache = decodeCacheHint({ cache_control: wire.cache_control }, path, findings);
  const last = parts.at(-1);
  if (!cache || last?.cache) return;
  if (last === undefined || last.type === 'thinking') findings.leave(`${path}.cache_control`, wire.cache_control);
  else last.cache = cache;
}

/** The calls that a tool message at this place can answer. */
function openCalls({ messages, results }: State): ToolCallPart[] {
  const asking = messages.at(results ? -2 : -1);
  return asking?.role === 'assistant' ? asking.parts.filter((part) => part.type === 'tool-call') : [];
}

/** Legacy function messages name the function instead of the call. */
function callIdOfName(wire: JsonObject, path: string, calls: ToolCallPart[], { findings }: State): string {
  const name = findings.required(wire, 'name', path);
  return calls.find((call) => call.name === name)?.id ?? name;
}

/**
 * Puts labelled attachments back into the results they came from.
 *
 * @returns how many parts at the head of the message were labels and attachments
 */
function restoreAttachments(results: ToolResultPart[], parts: readonly Part[]): number {
  let index = 0;
  for (; index + 1 < parts.length; index += 2) {
    const label = parts[index];
    const attachment = parts[index + 1];
    if (label?.type !== 'text' || !attachment || !isAttachment(attachment)) break;
    const owner = results.find((result) => readAttachmentLabel(label.text, result.callId) !== undefined);
    if (!owner) break;
    const position = readAttachmentLabel(label.text, owner.callId);
    owner.parts = owner.parts.filter((part) => part.type !== 'text' || part.text !== ATTACHMENTS_FOLLOW);
    owner.parts.splice(typeof position === 'number' ? position : owner.parts.length, 0, attachment);
  }
  return index;
}

function isAttachment({ type }: Part): boolean {
  return type === 'image' || type === 'document' || type === 'audio';
}
