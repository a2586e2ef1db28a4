import type { Loss } from '../../loss';
import type { FinishReason } from '../../reply';
import type { WireFinishReason } from './wire';

/** What else the reply shows about its end; the word alone is not always true. */
export interface FinishEvidence {
  /** Ollama and Gemini say `stop` after tool calls. */
  hasToolCalls: boolean;
  hasRefusal: boolean;
  /** The choice's `stop_reason` (vLLM): the stop string that hit. */
  stopReason?: unknown;
  stopSequences?: readonly string[];
}

export interface Finish {
  reason: FinishReason;
  stopSequence?: string;
  /** The word was none we know; it was read as `stop`. */
  unknown?: boolean;
}

export function decodeFinishReason(word: string, evidence: FinishEvidence): Finish {
  switch (word.toLowerCase()) {
    case 'stop':
    case 'end_turn':
    case 'eos':
    case 'eos_token':
    case 'load':
    case 'unload':
      // The last two are Ollama's, of an empty prompt.
      return decodeStop(evidence);
    case 'stop_sequence': {
      const only = evidence.stopSequences?.length === 1 ? evidence.stopSequences[0] : undefined;
      const stopSequence = typeof evidence.stopReason === 'string' ? evidence.stopReason : only;
      return { reason: 'stop-sequence', ...(stopSequence !== undefined && { stopSequence }) };
    }
    case 'length':
    case 'max_tokens':
    case 'model_length':
      return { reason: 'length' };
    case 'tool_calls':
    case 'function_call':
    case 'tool_use':
      // A client that is told to run tools but given none would loop.
      return { reason: evidence.hasToolCalls ? 'tool-calls' : 'stop' };
    case 'content_filter':
    case 'refusal':
      return { reason: 'refusal' };
    default:
      return { ...decodeStop(evidence), unknown: true };
  }
}

function decodeStop({ hasToolCalls, hasRefusal, stopReason, stopSequences }: FinishEvidence): Finish {
  if (hasToolCalls) return { reason: 'tool-calls' };
  if (hasRefusal) return { reason: 'refusal' };
  if (typeof stopReason === 'string' && stopSequences?.includes(stopReason)) {
    return { reason: 'stop-sequence', stopSequence: stopReason };
  }
  return { reason: 'stop' };
}

/** What to tell of a reply that the server itself broke off, whatever came of it; undefined: the word is no such. */
export function failedFinish(word: string): string | undefined {
  switch (word) {
    // OpenRouter, Mistral.
    case 'error':
      return 'The upstream ended the reply with an error.';
    // vLLM and SGLang, when the engine gives a request up; DeepSeek.
    case 'abort':
    case 'insufficient_system_resource':
      return 'The upstream gave the reply up before it was complete.';
    default:
      return undefined;
  }
}

/** @param hasRefusal the reply carries the refusal's text, which Chat ends with `stop`; a filter without text is `content_filter`. */
export function encodeFinishReason(reason: FinishReason, hasRefusal: boolean): WireFinishReason {
  switch (reason) {
    case 'stop':
    case 'stop-sequence':
    case 'pause':
      return 'stop';
    case 'length':
    case 'context-window':
      return 'length';
    case 'tool-calls':
      return 'tool_calls';
    case 'refusal':
      return hasRefusal ? 'stop' : 'content_filter';
  }
}

/** The loss of a reason that Chat has no word of its own for; undefined where it has one. */
export function finishLoss(reason: FinishReason): Loss | undefined {
  switch (reason) {
    case 'pause':
      return { feature: 'stop_reason.pause_turn', path: 'stop_reason' };
    case 'context-window':
      return { feature: 'stop_reason.model_context_window_exceeded', path: 'stop_reason' };
    case 'stop':
    case 'stop-sequence':
    case 'length':
    case 'tool-calls':
    case 'refusal':
      return undefined;
  }
}
