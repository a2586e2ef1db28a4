import { isJsonObject, type JsonObject } from '../../json';
import type { Loss } from '../../loss';
import type { FinishReason } from '../../reply';
import type { StreamFailure } from '../../stream-event';
import { textMember } from '../openai/members';
import { decodeFailure } from './decode-failure';
import type { ResponseStatus } from './reply-wire';

/** What else a reply shows about its end; its status does not tell calls from text. */
export interface StatusEvidence {
  /** Calls that the client is to run. */
  hasToolCalls: boolean;
  hasRefusal: boolean;
}

export type Outcome =
  | { ok: true; reason: FinishReason; /** The reason it is incomplete is none we know. */ unknown?: string }
  | { ok: false; failure: StreamFailure };

/** How a response object says that it ended. One without a status is complete. */
export function decodeStatus(response: JsonObject, evidence: StatusEvidence): Outcome {
  const status = textMember(response, 'status') ?? 'completed';
  switch (status) {
    case 'completed':
      if (evidence.hasToolCalls) return { ok: true, reason: 'tool-calls' };
      return { ok: true, reason: evidence.hasRefusal ? 'refusal' : 'stop' };
    case 'incomplete':
      return decodeIncomplete(response);
    case 'failed':
      return { ok: false, failure: decodeFailure(response) };
    case 'cancelled':
      return { ok: false, failure: { kind: 'upstream', message: 'The upstream cancelled the response.' } };
    default:
      return {
        ok: false,
        failure: { kind: 'truncated', message: 'The upstream sent a response that is not finished.' },
      };
  }
}

function decodeIncomplete(response: JsonObject): Outcome {
  const details = response.incomplete_details;
  const reason = isJsonObject(details) ? textMember(details, 'reason') : undefined;
  const known = reason === undefined ? undefined : decodeIncompleteReason(reason);
  if (known) return { ok: true, reason: known };
  // It says that it was cut off, and by what is a word for a loss.
  return { ok: true, reason: 'length', ...(reason !== undefined && { unknown: reason }) };
}

/** Undefined for a word that is not (yet) one of ours. */
export function decodeIncompleteReason(reason: string): FinishReason | undefined {
  switch (reason) {
    case 'max_output_tokens':
    case 'max_tokens':
      return 'length';
    case 'content_filter':
      return 'refusal';
    default:
      return undefined;
  }
}

export interface WireStatus {
  status: ResponseStatus;
  incompleteDetails: JsonObject | null;
}

/** @param hasRefusal the reply carries the refusal's text, which is a complete response; a filter without text is not one. */
export function encodeStatus(reason: FinishReason, hasRefusal: boolean): WireStatus {
  switch (reason) {
    case 'stop':
    case 'stop-sequence':
    case 'pause':
    case 'tool-calls':
      return { status: 'completed', incompleteDetails: null };
    case 'length':
    case 'context-window':
      return { status: 'incomplete', incompleteDetails: { reason: 'max_output_tokens' } };
    case 'refusal':
      if (hasRefusal) return { status: 'completed', incompleteDetails: null };
      return { status: 'incomplete', incompleteDetails: { reason: 'content_filter' } };
  }
}

/** The loss of a reason that Responses has no word of its own for; undefined where it has one. */
export function finishLoss(reason: FinishReason): Loss | undefined {
  switch (reason) {
    case 'pause':
      return { feature: 'stop_reason.pause_turn', path: 'stop_reason' };
    case 'context-window':
      return { feature: 'stop_reason.model_context_window_exceeded', path: 'stop_reason' };
    case 'stop-sequence':
      return { feature: 'stop_sequence', path: 'stop_sequence' };
    case 'stop':
    case 'length':
    case 'tool-calls':
    case 'refusal':
      return undefined;
  }
}
