import type { ToolCallPart } from '../../conversation';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { isDeeperThan } from '../../json-depth';
import { DEFAULT_MAX_JSON_DEPTH } from '../../json-scan';
import { decodeCacheHint } from '../openai/cache-hint';
import type { Findings } from '../openai/findings';
import { isAbsent } from '../openai/members';
import { readArguments, writeArguments } from '../openai/tool-arguments';

const READ_OF_CALL: ReadonlySet<string> = new Set(['id', 'type', 'function', 'custom', 'index', 'cache_control']);
const READ_OF_FUNCTION: ReadonlySet<string> = new Set(['name', 'arguments']);
const READ_OF_CUSTOM: ReadonlySet<string> = new Set(['name', 'input']);

/** The calls of an assistant message, the legacy `function_call` included. */
export function decodeToolCalls(wire: JsonObject, path: string, findings: Findings): ToolCallPart[] {
  const calls: ToolCallPart[] = [];
  findings.array(wire.tool_calls, `${path}.tool_calls`)?.forEach((call, index) => {
    const at = `${path}.tool_calls[${index}]`;
    const part = decodeToolCall(call, at, findings);
    // Clients that know Anthropic's models mark a call as they mark any other part.
    const mark = isJsonObject(call) ? call.cache_control : undefined;
    const cache = isAbsent(mark) ? undefined : decodeCacheHint({ cache_control: mark }, at, findings);
    if (part) calls.push({ ...part, ...(cache && { cache }) });
  });
  const legacy = findings.object(wire.function_call, `${path}.function_call`);
  if (legacy) {
    const name = findings.required(legacy, 'name', `${path}.function_call`);
    const text = decodeArguments(legacy.arguments, `${path}.function_call.arguments`, findings);
    calls.push({ type: 'tool-call', id: legacyCallId(path), name, arguments: text });
  }
  return calls;
}

/** The calls of a reply's message or delta, unread. TGI sends its only call in place of a list. */
export function callsOf({ tool_calls: calls }: JsonObject): readonly JsonValue[] {
  if (Array.isArray(calls)) return calls;
  return isAbsent(calls) ? [] : [calls];
}

/** Ollama sends the object itself. Undefined: neither text nor an object that can be written as text. */
export function argumentsText(value: JsonValue | undefined): string | undefined {
  if (isAbsent(value)) return '';
  if (typeof value === 'string') return value;
  return isJsonObject(value) && !isDeeperThan(value, DEFAULT_MAX_JSON_DEPTH) ? JSON.stringify(value) : undefined;
}

/** Legacy calls have no id; the place of the message gives one that holds for the whole request. */
function legacyCallId(path: string): string {
  return `call_${path.replace(/[^a-zA-Z0-9]+/g, '_').replace(/_$/, '')}`;
}

/** Ollama and llama.cpp may leave call ids out. The reply's id keeps one made here apart from those of other turns. */
export function fallbackCallId(replyId: string, index: number): string {
  return `call_${replyId.replace(/[^a-zA-Z0-9_-]/g, '_')}_${index}`;
}

function decodeToolCall(call: JsonValue, path: string, findings: Findings): ToolCallPart | undefined {
  if (!isJsonObject(call)) {
    findings.wrongType(path, 'an object', call);
    return undefined;
  }
  findings.leaveRest(call, READ_OF_CALL, path);
  const id = findings.required(call, 'id', path);
  if (call.type === 'custom') {
    const custom = detailsOf(call, 'custom', path, findings);
    if (!custom) return undefined;
    findings.leaveRest(custom, READ_OF_CUSTOM, `${path}.custom`);
    const name = findings.required(custom, 'name', `${path}.custom`);
    const input = findings.scalar(custom, 'input', 'string', `${path}.custom`) ?? '';
    return { type: 'tool-call', id, name, arguments: input, custom: true };
  }
  // Clients of compatible servers leave the type out.
  if (!isAbsent(call.type) && call.type !== 'function') {
    findings.unsupportedValue(`${path}.type`, call.type, ['function', 'custom']);
  }
  const details = detailsOf(call, 'function', path, findings);
  if (!details) return undefined;
  findings.leaveRest(details, READ_OF_FUNCTION, `${path}.function`);
  const name = findings.required(details, 'name', `${path}.function`);
  const text = decodeArguments(details.arguments, `${path}.function.arguments`, findings);
  return { type: 'tool-call', id, name, arguments: text };
}

function detailsOf(call: JsonObject, name: string, path: string, findings: Findings): JsonObject | undefined {
  if (isAbsent(call[name])) findings.missing(`${path}.${name}`);
  return findings.object(call[name], `${path}.${name}`);
}

/** Ollama sends the object itself. */
function decodeArguments(value: JsonValue | undefined, path: string, findings: Findings): string {
  if (isAbsent(value)) return '';
  if (typeof value === 'string') return readArguments(value);
  if (isJsonObject(value)) return JSON.stringify(value);
  findings.wrongType(path, 'a string', value);
  return '';
}

export function encodeToolCall(call: ToolCallPart, name: string): JsonObject {
  if (call.custom) return { id: call.id, type: 'custom', custom: { name, input: call.arguments } };
  return { id: call.id, type: 'function', function: { name, arguments: writeArguments(call.arguments) } };
}
