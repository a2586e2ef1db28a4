import type { Conversation } from './conversation';
import type { JsonObject } from './json';
import type { Loss } from './loss';
import type { Reply } from './reply';
import type { SseEvent } from './sse/decoder';
import type { StreamEnd, StreamEvent, StreamFailure } from './stream-event';
import type { Usage } from './usage';

export type DialectId = 'anthropic-messages' | 'openai-chat' | 'openai-responses';

/**
 * One wire format, usable on the client side (decode requests, encode replies) and on the upstream side (encode
 * requests, decode replies). Everything is a pure function of its arguments; clocks and ids come in as arguments.
 */
export interface Dialect {
  readonly id: DialectId;

  /** Client request → canonical. A fault is a value that names the offending parameter. */
  decodeRequest(body: JsonObject): Decoded<Conversation>;
  /** Canonical → upstream request. Refuses what the target cannot do without changing the meaning; reports the rest as losses. */
  encodeRequest(conversation: Conversation, target: RequestTarget): EncodedRequest;

  /** Upstream reply → canonical. */
  decodeReply(body: JsonObject, request: ReplyContext): Decoded<Reply>;
  /** Canonical → client reply. */
  encodeReply(reply: Reply, context: EncodeContext): { body: JsonObject; losses: Loss[] };

  /** Upstream SSE events → canonical events. Created per reply. */
  streamDecoder(context: ReplyContext): StreamDecoder;
  /** Canonical events → SSE text for the client. Created per reply. */
  streamEncoder(context: EncodeContext): StreamEncoder;
  /** Same dialect on both sides: bytes through, model name and usage aside. Created per reply. */
  streamTap(context: TapContext): StreamTap;
  /** Same dialect, not streaming: the upstream's bytes with the model name (and `usage` additions) spliced. */
  tapReply(body: Buffer, context: TapContext): TappedReply;

  /** Reads an upstream's error body. `body` is whatever came: JSON text, HTML, nothing. */
  decodeError(status: number, body: string): UpstreamError;
  /** An error in this dialect's own shape. */
  encodeError(error: WireError): JsonObject;
  /** The same after the first byte: complete SSE text that ends the stream. */
  encodeStreamError(error: WireError): string;
  /** What to send while nothing else is: complete SSE text. */
  readonly keepalive: string;
}

/** A fault in somebody's body; `param` is its path (`messages[2].role`). */
export interface Fault {
  message: string;
  param?: string;
  /** OpenAI-style code where one fits (`unsupported_parameter`); else absent. */
  code?: string;
}

export type Decoded<T> = { ok: true; value: T } | { ok: false; fault: Fault };

export type EncodedRequest =
  | {
      ok: true;
      body: JsonObject;
      losses: Loss[];
      /** Shortened or cleaned tool name → the client's own; empty where none changed. */
      toolNames: ReadonlyMap<string, string>;
    }
  | { ok: false; fault: Fault };

/** What the encoder needs to know of the upstream model. */
export interface RequestTarget {
  model: string;
  maxOutputTokens: number;
  vision: boolean;
  documents: boolean;
  reasoning: boolean;
  /** Takes free-text tools as its dialect writes them (Chat and Responses `custom`). */
  customTools: boolean;
}

/** What a reply decoder needs of the request it answers. */
export interface ReplyContext {
  toolNames: ReadonlyMap<string, string>;
  /** To say *which* stop sequence hit where the upstream only says that one did. */
  stopSequences?: readonly string[];
}

export interface EncodeContext {
  /** The resolved model id, as the client is told. */
  model: string;
  /** Message id to show, for upstream replies that carry none. */
  id: string;
  /** The client's request body; Responses tells most of it back. Absent: nothing is told back. */
  request?: JsonObject;
  createdAtSeconds: number;
  /** Chat: emit the usage chunk. */
  includeUsage: boolean;
  /** Chat `usage.cost_usd`; absent: not shown. */
  costUsd?: (usage: Usage) => number;
  /** Anthropic: what a stream's beginning tells of the input where the upstream has told nothing yet; its end tells the truth. */
  likelyInputTokens?: number;
}

export interface TapContext {
  /** The resolved model id to put in place of the upstream's name. */
  model: string;
  /** false: the client did not ask for the usage chunk we asked for; keep it from them. */
  includeUsage: boolean;
  costUsd?: (usage: Usage) => number;
  /** Chat: the upstream may leave out what clients need, and it is put in. Absent: the bytes are the upstream's. */
  repair?: boolean;
}

export interface StreamDecoder {
  push(event: SseEvent): StreamEvent[];
  /** Closes what is open. `completed` without a terminal event is a truncation, and ends in `error`. */
  end(how: StreamEnd): StreamEvent[];
}

export interface StreamEncoder {
  /** SSE text, possibly empty. */
  push(event: StreamEvent): string;
  /** Losses met so far. */
  readonly losses: readonly Loss[];
}

/** What passes through untranslated is still watched: its usage, its end, its faults. */
export interface StreamTap {
  /** The bytes to send on for these bytes, often the same object. Holds back at most one unfinished event. */
  push(bytes: Buffer): Buffer;
  /** Bytes still held, plus an error event where the stream did not end as its dialect ends. */
  end(how: StreamEnd, failure?: StreamFailure): Buffer;
  /**
   * Ends the stream now, as one that reached its maximum of output: the bytes that close what is open and tell the
   * dialect's length stop with `usage`, behind `note` as an SSE comment, which people see and clients ignore. What is
   * held of half an event is dropped. Then the tap is over: it sends nothing more, `finish` is `length`, `usage` is the
   * one given, and `usageIsFinal` false, as it is not the upstream's. A reply whose own end has been told but for its
   * last event gets only what is missing, and keeps what the upstream told.
   *
   * Empty, and nothing is changed, where there is no reply to end: before it began (`message_start`; a chunk with a
   * choice) and after its end or failure.
   */
  stopAtLimit(usage: Usage, note: string): Buffer;
  /** Latest usage seen, or undefined while the upstream has said nothing. */
  readonly usage: Usage | undefined;
  /** The upstream told its output tokens at the end, so that `usage` is the whole of it. */
  readonly usageIsFinal: boolean;
  /** The dialect-neutral reason; a word the dialect does not know (yet) as it is. */
  readonly finish: string | undefined;
  /** Set once the upstream itself reported an error inside the stream, or the bytes were not the dialect. */
  readonly failure: StreamFailure | undefined;
  /** True where a keepalive may be put between the bytes sent so far and the next. */
  readonly atEventBoundary: boolean;
  /** UTF-8 bytes of generated text seen, for an estimate when usage never comes. */
  readonly outputBytes: number;
}

export interface TappedReply {
  body: Buffer;
  usage: Usage | undefined;
  finish: string | undefined;
  /** Set where the body is not a reply of this dialect (garbage, cut off, another shape): it must not be sent on. */
  failure: StreamFailure | undefined;
}

/** An upstream's refusal, its words kept. */
export interface UpstreamError {
  status: number;
  /** The upstream's own type word, or one made from the status. */
  type: string;
  message: string;
  param?: string;
  code?: string;
}

/** An error about to be shown, already in the words of the error catalogue. */
export interface WireError {
  message: string;
  anthropicType: string;
  openaiType: string;
  openaiCode?: string | null;
  param?: string | null;
  requestId: string;
  /** What a program may read beside the words: Anthropic's `error.details`. */
  details?: JsonObject;
}
