import type { DialectId } from './dialect';
import type { FinishReason } from './reply';
import type { JsonObject, JsonValue } from './json';
import type { Loss } from './loss';
import type { Usage } from './usage';

/**
 * The canonical stream, one closed vocabulary.
 *
 * Grammar, which every decoder guarantees and every encoder may rely on:
 *
 *     start (block-start delta* block-stop)* finish
 *     start (block-start delta* block-stop)* [block-start delta*] error
 *
 * One block is open at a time, every block is closed once unless an error cuts it off, and exactly one `finish` or
 * `error` ends the stream. `ping` and `loss` may stand anywhere. A stream that never produced `start` may end in `error`.
 */
export type StreamEvent =
  | { type: 'start'; id: string; model: string; /** What is known of the input at this point. */ usage?: Usage }
  | { type: 'block-start'; block: BlockStart }
  | { type: 'text-delta'; text: string }
  | { type: 'thinking-delta'; text: string }
  | { type: 'signature-delta'; signature: string; /** As of `ThinkingPart`. */ signedBy?: DialectId }
  | { type: 'refusal-delta'; text: string }
  | { type: 'arguments-delta'; json: string }
  | { type: 'citation'; citation: JsonValue }
  | { type: 'block-stop' }
  | {
      type: 'finish';
      reason: FinishReason;
      stopSequence?: string;
      usage?: Usage;
      /** What `usage` says of the output is from the start of the stream: its end told nothing. */
      usageIsPartial?: true;
      serviceTier?: string;
    }
  | { type: 'error'; error: StreamFailure }
  | { type: 'ping' }
  | { type: 'loss'; loss: Loss };

export type BlockStart =
  | { type: 'text' }
  | { type: 'thinking' }
  | { type: 'redacted-thinking'; data: string; /** As of `ThinkingPart`. */ signedBy?: DialectId }
  | { type: 'refusal' }
  | { type: 'tool-call'; id: string; name: string; custom?: boolean }
  | { type: 'opaque'; dialect: string; wire: JsonObject };

/** A failure after the first byte: rendered by the encoder as an error event of the client's dialect, never as success. */
export interface StreamFailure {
  /** `upstream` reported it itself; `malformed` and `truncated` are what we saw; `timeout` is ours; `gateway` is our own fault. */
  kind: 'upstream' | 'malformed' | 'truncated' | 'timeout' | 'gateway';
  /** The upstream's own type word where it gave one (`overloaded_error`, `server_error`). */
  type?: string;
  /** Safe to show. */
  message: string;
}

/** How the bytes ended: the upstream closed cleanly, closed or broke early, or somebody on our side cut it. */
export type StreamEnd = 'completed' | 'truncated' | 'aborted';
