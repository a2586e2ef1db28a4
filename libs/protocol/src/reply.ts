import type { Part } from './conversation';
import type { Usage } from './usage';
import type { JsonValue } from './json';
import type { Unmapped } from './loss';

/** Why a reply ended, in neutral words. */
export type FinishReason =
  | 'stop'
  | 'stop-sequence'
  | 'length'
  | 'tool-calls'
  /** The provider's filter or the model refused (Anthropic `refusal`, Chat `content_filter`). */
  | 'refusal'
  /** The provider paused a long turn and expects it back (Anthropic `pause_turn`). */
  | 'pause'
  /** Input and output no longer fit the context (Anthropic `model_context_window_exceeded`). */
  | 'context-window';

/** The canonical non-streaming reply. */
export interface Reply {
  id: string;
  /** As the upstream named it. */
  model: string;
  /** Text, thinking, refusals, tool calls, opaque blocks, in order. */
  parts: Part[];
  finish: FinishReason;
  /** Which stop sequence hit, where the upstream says so. */
  stopSequence?: string;
  /** Absent where the upstream told none: nobody knows, which is not the same as nothing. */
  usage?: Usage;
  serviceTier?: string;
  logprobs?: JsonValue;
  unmapped: Unmapped[];
}
