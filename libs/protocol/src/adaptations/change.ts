import type { Conversation } from '../conversation';
import type { Fault } from '../dialect';
import type { Loss } from '../loss';
import type { Reply } from '../reply';
import type { StreamEvent } from '../stream-event';

export type AdaptedReply = { ok: true; value: Reply; losses: readonly Loss[] } | { ok: false; fault: Fault };

/** Canonical events in, canonical events out; what comes out keeps the grammar of `StreamEvent`. Created per reply. */
export interface StreamAdapter {
  push(event: StreamEvent): StreamEvent[];
}

/** How one change of a conversation is undone on what answers it: the same for a whole reply and for a stream. */
export interface ReplyChange {
  /** Shown to whoever operates the gateway; stable. */
  readonly name: string;
  reply(reply: Reply): AdaptedReply;
  stream(): StreamAdapter;
}

/** A conversation changed, and what is to be done to its reply; `change` is absent where that is nothing. */
export interface Changed {
  conversation: Conversation;
  change?: ReplyChange;
}

/** What the upstream model takes, as far as conversations are changed for it. */
export interface AdaptationTarget {
  /** Takes free-text tools as its dialect writes them (Chat and Responses `custom`). */
  customTools: boolean;
  /** `emulated`: tools are described in words, and calls are read from what the model writes. */
  tools: 'native' | 'emulated';
  /** Takes a JSON schema for its answer. */
  structuredOutputs: boolean;
}
