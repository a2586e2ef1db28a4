import type { WireError } from '../../dialect';
import type { JsonObject } from '../../json';
import { formatSseEvent } from '../../sse/encoder';
import type { StreamFailure } from '../../stream-event';
import { wordsOfFailure } from '../openai/errors';

/** A failure after the first byte, as both events tell it. */
export interface ResponseFailure {
  /** A word of `Response.error.code` or one that Codex acts on. */
  code: string;
  message: string;
  param: string | null;
}

/** What clients act on; any other code stops nothing and starts nothing. */
const KNOWN_CODES: ReadonlySet<string> = new Set([
  'rate_limit_exceeded',
  'context_length_exceeded',
  'insufficient_quota',
  'server_error',
  'invalid_prompt',
]);

export function failureOfError({ message, openaiType, openaiCode, param }: WireError): ResponseFailure {
  return { code: codeOf(openaiType, openaiCode ?? undefined), message, param: param ?? null };
}

export function failureOfStream({ kind, type, message }: StreamFailure): ResponseFailure {
  const { openaiType, openaiCode } = wordsOfFailure(kind, type);
  return { code: codeOf(openaiType, openaiCode), message, param: null };
}

function codeOf(openaiType: string, openaiCode: string | undefined): string {
  if (openaiCode !== undefined && KNOWN_CODES.has(openaiCode)) return openaiCode;
  if (KNOWN_CODES.has(openaiType)) return openaiType;
  return openaiType === 'invalid_request_error' ? 'invalid_prompt' : 'server_error';
}

/** SSE text of `error`, which Codex ignores and LangChain reads. */
export function errorEvent({ code, message, param }: ResponseFailure, sequenceNumber: number): string {
  const event = { type: 'error', sequence_number: sequenceNumber, code, message, param };
  return formatSseEvent('error', JSON.stringify(event));
}

/**
 * SSE text of `response.failed`, which LangChain ignores and Codex reads.
 *
 * @param response as told so far; it becomes one that failed
 */
export function failedEvent(response: JsonObject, failure: ResponseFailure, sequenceNumber: number): string {
  const event = {
    type: 'response.failed',
    sequence_number: sequenceNumber,
    response: { ...response, status: 'failed', error: { code: failure.code, message: failure.message } },
  };
  return formatSseEvent('response.failed', JSON.stringify(event));
}

/** Ends a stream of which nothing is known but that it failed. */
export function encodeStreamError(error: WireError): string {
  const failure = failureOfError(error);
  return errorEvent(failure, 0) + failedEvent(unknownResponse(error.requestId), failure, 1);
}

/** The members that every response has. */
function unknownResponse(requestId: string): JsonObject {
  return {
    id: `resp_${requestId}`,
    object: 'response',
    created_at: 0,
    status: 'failed',
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    model: '',
    output: [],
    parallel_tool_calls: true,
    temperature: null,
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    usage: null,
  };
}
