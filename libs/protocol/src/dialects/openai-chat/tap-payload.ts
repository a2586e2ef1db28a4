import type { TapContext } from '../../dialect';
import { isJsonObject } from '../../json';
import { editOf, readJsonValue, type ByteEdit, type JsonSpan } from '../../json-span';
import type { StreamFailure } from '../../stream-event';
import type { Usage } from '../../usage';
import { decodeErrorValue } from '../openai/errors';
import { startsWith } from './frame-scan';
import { decodeFinishReason } from './map-finish-reason';

export function costEdit(value: unknown, usage: Usage, span: JsonSpan, { costUsd }: TapContext): ByteEdit | undefined {
  if (!costUsd || !isJsonObject(value)) return undefined;
  const cost = costUsd(usage);
  if ('cost_usd' in value) return editOf(span, JSON.stringify({ ...value, cost_usd: cost }));
  // Before its closing brace, the last byte of the span; it has members, or there were no usage. All of it anew took 3 µs.
  const end = span.end - 1;
  return { start: end, end, replacement: `,"cost_usd":${JSON.stringify(cost)}` };
}

/** @param hasCalls there were tool calls, whatever the word says; undefined: nobody looked */
export function neutralFinish(word: string | undefined, hasCalls?: boolean): string | undefined {
  if (word === undefined) return undefined;
  const hasToolCalls = hasCalls === true || word === 'tool_calls' || word === 'function_call';
  return decodeFinishReason(word, { hasToolCalls, hasRefusal: false }).reason;
}

/** An event named `error` may hold the error itself. */
export function readFailure(bytes: Buffer, span: JsonSpan, event?: string): StreamFailure | undefined {
  const value = readJsonValue(bytes, span);
  if (!isJsonObject(value)) return undefined;
  const error = decodeErrorValue(value) ?? (event === 'error' ? decodeErrorValue({ error: value }) : undefined);
  return error && { kind: 'upstream', ...(error.type !== undefined && { type: error.type }), message: error.message };
}

export function isSame(bytes: Buffer, { start, end }: JsonSpan, expected: Buffer): boolean {
  return end - start === expected.length && startsWith(bytes, start, end, expected);
}
