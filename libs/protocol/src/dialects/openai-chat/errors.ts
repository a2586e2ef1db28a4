import type { WireError } from '../../dialect';
import { formatSseEvent } from '../../sse/encoder';
import type { StreamFailure } from '../../stream-event';
import { encodeError, wordsOfFailure } from '../openai/errors';

/** The SDKs raise on an event that has `error`; without `[DONE]` after it no client takes the stream for complete. */
export function encodeStreamError(error: WireError): string {
  return formatSseEvent(undefined, JSON.stringify(encodeError(error)));
}

/** A failure inside a stream, in OpenAI's words. */
export function encodeStreamFailure({ kind, type, message }: StreamFailure): string {
  const { openaiType, openaiCode } = wordsOfFailure(kind, type);
  return encodeStreamError({ message, openaiType, openaiCode, anthropicType: 'api_error', requestId: '' });
}
