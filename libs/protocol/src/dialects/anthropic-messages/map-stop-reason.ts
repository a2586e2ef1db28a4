import type { FinishReason } from '../../reply';
import type { StopReason } from './wire';

/** Undefined for a word that is not (yet) the API's. */
export function decodeStopReason(reason: string): FinishReason | undefined {
  switch (reason as StopReason) {
    case 'end_turn':
      return 'stop';
    case 'stop_sequence':
      return 'stop-sequence';
    case 'max_tokens':
      return 'length';
    case 'tool_use':
      return 'tool-calls';
    case 'refusal':
      return 'refusal';
    case 'pause_turn':
      return 'pause';
    case 'model_context_window_exceeded':
      return 'context-window';
    default:
      return undefined;
  }
}

export function encodeStopReason(reason: FinishReason): StopReason {
  switch (reason) {
    case 'stop':
      return 'end_turn';
    case 'stop-sequence':
      return 'stop_sequence';
    case 'length':
      return 'max_tokens';
    case 'tool-calls':
      return 'tool_use';
    case 'refusal':
      return 'refusal';
    case 'pause':
      return 'pause_turn';
    case 'context-window':
      return 'model_context_window_exceeded';
  }
}
