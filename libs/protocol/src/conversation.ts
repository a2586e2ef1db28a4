import type { DialectId } from './dialect';
import type { JsonObject, JsonValue } from './json';
import type { Unmapped } from './loss';

/**
 * The canonical request: what every dialect decodes to and encodes from. It is the union of what the dialects can say,
 * in neutral words; what one dialect alone can say stays in `unmapped` and becomes a Loss on the way to another.
 */
export interface Conversation {
  /** As the client named it; the caller resolves it before encoding. */
  model: string;
  /** In order. `system` messages may stand anywhere; those at the head are the system prompt. */
  messages: Message[];
  tools: Tool[];
  toolChoice?: ToolChoice;
  /** false: at most one tool call in a turn (Anthropic `disable_parallel_tool_use`, Chat and Responses `parallel_tool_calls`). */
  parallelToolCalls?: boolean;
  maxOutputTokens?: number;
  sampling: Sampling;
  stopSequences?: string[];
  reasoning?: Reasoning;
  outputFormat?: OutputFormat;
  verbosity?: string;
  stream: boolean;
  /** Chat `stream_options.include_usage`; the other dialects always report usage. */
  includeUsage?: boolean;
  /** The end user as the client names them (Anthropic `metadata.user_id`; Chat `user`, `safety_identifier`). */
  endUser?: string;
  metadata?: JsonObject;
  serviceTier?: string;
  /** Chat and Responses `prompt_cache_key`. */
  promptCacheKey?: string;
  /** Number of alternative replies (Chat `n`). Dialects without it refuse n > 1. */
  replyCount?: number;
  /** The client wants one summary of the conversation in place of a turn (Responses `compaction_trigger`). */
  compaction?: boolean;
  unmapped: Unmapped[];
}

export interface Sampling {
  temperature?: number;
  topP?: number;
  topK?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  seed?: number;
  logitBias?: JsonObject;
  logprobs?: boolean;
  topLogprobs?: number;
}

export interface Reasoning {
  /** `disabled` is an explicit "off"; `adaptive` leaves the depth to the model; `enabled` comes with a budget or an effort. */
  mode?: 'enabled' | 'adaptive' | 'disabled';
  /** `minimal | low | medium | high | xhigh | max`; dialects pass names they do not know. */
  effort?: string;
  budgetTokens?: number;
  /** How much of the reasoning the client wants to see (Anthropic `thinking.display`, Responses `reasoning.summary`). */
  display?: string;
}

export type OutputFormat =
  | { type: 'json-schema'; schema: JsonObject; name?: string; description?: string; strict?: boolean }
  | { type: 'json-object' };

export type ToolChoice = { type: 'auto' } | { type: 'none' } | { type: 'required' } | { type: 'tool'; name: string };

export type Tool = FunctionTool | CustomTool | ServerTool;

/**
 * Joins the namespace of a tool and its own name into one canonical name (Responses `namespace`): no API takes it in a name,
 * so that it can be told apart, and what is sent to a dialect without namespaces is a short name, as for any other such name.
 */
export const NAMESPACE_SEPARATOR = '\u001f';

/** The search for deferred tools that the client runs itself (Responses `tool_search` with `execution: client`). */
export const TOOL_SEARCH = `${NAMESPACE_SEPARATOR}tool_search`;

export interface FunctionTool {
  type: 'function';
  /** With its namespace, where it has one: see `NAMESPACE_SEPARATOR`. */
  name: string;
  description?: string;
  /** JSON Schema, unchanged, `$schema` included. */
  inputSchema: JsonObject;
  strict?: boolean;
  cache?: CacheHint;
  /** Loaded only when a tool search finds it (Anthropic and Responses `defer_loading`). */
  deferLoading?: boolean;
  /** What the namespace is for, on each tool of it; its name is part of the tool's. */
  namespaceDescription?: string;
  unmapped?: Unmapped[];
}

/** Free-text tool with an optional grammar (Responses and Chat `custom`). */
export interface CustomTool {
  type: 'custom';
  name: string;
  description?: string;
  format?: JsonValue;
  /** As of a function. */
  deferLoading?: boolean;
  /** As of a function. */
  namespaceDescription?: string;
}

/** A tool the provider runs itself (web search, code execution …): only its own dialect can carry it. */
export interface ServerTool {
  type: 'server';
  dialect: string;
  name: string;
  wire: JsonObject;
}

export type Message =
  | { role: 'system'; parts: Part[]; /** Chat and Responses `developer`. */ developer?: boolean; unmapped?: Unmapped[] }
  | { role: 'user'; parts: Part[]; name?: string; unmapped?: Unmapped[] }
  | { role: 'assistant'; parts: Part[]; name?: string; unmapped?: Unmapped[] };

/** Which roles may hold which parts is the dialects' business; they refuse what their wire does not allow. */
export type Part =
  | TextPart
  | ImagePart
  | DocumentPart
  | AudioPart
  | ThinkingPart
  | RedactedThinkingPart
  | RefusalPart
  | ToolCallPart
  | ToolResultPart
  | ToolReferencePart
  | OpaquePart;

interface PartBase {
  cache?: CacheHint;
  unmapped?: Unmapped[];
}

export interface CacheHint {
  ttl?: string;
}

export type MediaSource =
  { type: 'base64'; mediaType: string; data: string } | { type: 'url'; url: string } | { type: 'file'; fileId: string };

export interface TextPart extends PartBase {
  type: 'text';
  text: string;
  citations?: JsonValue[];
}

export interface ImagePart extends PartBase {
  type: 'image';
  source: MediaSource;
  /** Chat and Responses `detail`. */
  detail?: string;
}

export interface DocumentPart extends PartBase {
  type: 'document';
  source: MediaSource | { type: 'text'; mediaType: string; text: string } | { type: 'parts'; parts: Part[] };
  title?: string;
  context?: string;
  citations?: boolean;
}

export interface AudioPart extends PartBase {
  type: 'audio';
  data: string;
  /** `wav`, `mp3` … */
  format: string;
}

export interface ThinkingPart extends PartBase {
  type: 'thinking';
  text: string;
  /** Opaque to us; valid only at the provider that made it (Responses: `encrypted_content`). Absent where there is none. */
  signature?: string;
  /** Whose format the signature has; only an upstream of that dialect gets it back. Absent where there is no signature. */
  signedBy?: DialectId;
}

export interface RedactedThinkingPart extends PartBase {
  type: 'redacted-thinking';
  data: string;
  /** As of a signature: `data` is opaque to everybody else. */
  signedBy?: DialectId;
}

export interface RefusalPart extends PartBase {
  type: 'refusal';
  text: string;
}

export interface ToolCallPart extends PartBase {
  type: 'tool-call';
  id: string;
  name: string;
  /** For a function: JSON text as the model wrote it, possibly empty or cut off. For a custom tool: its free text. */
  arguments: string;
  custom?: boolean;
}

export interface ToolResultPart extends PartBase {
  type: 'tool-result';
  callId: string;
  /** Text, images, documents, tool references, in order. */
  parts: Part[];
  isError?: boolean;
}

/** A tool found by a tool search, inside a tool result. */
export interface ToolReferencePart extends PartBase {
  type: 'tool-reference';
  toolName: string;
}

/** A block only its own dialect understands (server tool calls and results, containers …). */
export interface OpaquePart extends PartBase {
  type: 'opaque';
  dialect: string;
  wire: JsonObject;
}
