import type { JsonObject } from './json';

/** A request in neutral terms: only what the answer depends on. Each dialect reads its own wire into this. */
export interface Prompt {
  model: string;
  stream: boolean;
  /** System text left out, neighbours of one role merged: every tool result sits in a user turn. */
  turns: Turn[];
  /** Tools the client itself runs; server tools are not here. */
  tools: Tool[];
  toolChoice: ToolChoice;
  parallelCalls: boolean;
  /** Present when a JSON reply was asked for; without a schema any object will do. */
  format?: { schema?: JsonObject };
  maxTokens?: number;
  stopSequences: string[];
  thinking: boolean;
  inputTokens: number;
}

export interface Turn {
  role: 'user' | 'assistant';
  texts: string[];
  attachments: Attachment[];
  /** How many tool calls an assistant turn made. */
  calls: number;
  results: ToolResult[];
}

export interface Attachment {
  noun: 'image' | 'document' | 'audio clip';
  /** `image/png, 68 bytes`, or the address it was given by. Never content. */
  description: string;
}

export interface ToolResult {
  text: string;
  failed: boolean;
}

export interface Tool {
  name: string;
  schema: JsonObject | undefined;
  /** Takes free text instead of JSON arguments (OpenAI custom tools). */
  freeForm: boolean;
  /** OpenAI Responses: the group it stands in. */
  namespace?: string;
  /** OpenAI Responses: the search for deferred tools, which the client runs. */
  search?: true;
}

export type ToolChoice = { type: 'auto' | 'none' | 'any' } | { type: 'tool'; name: string };

export function emptyTurn(role: Turn['role']): Turn {
  return { role, texts: [], attachments: [], calls: 0, results: [] };
}

/** The turn to write into for this role: the last one if it is theirs, else a new one. */
export function turnFor(turns: Turn[], role: Turn['role']): Turn {
  const last = turns.at(-1);
  if (last?.role === role) return last;
  const turn = emptyTurn(role);
  turns.push(turn);
  return turn;
}

/** Decoded size of base64 text, in bytes, without decoding it. */
export function base64Bytes(data: string): number {
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
  return Math.floor((data.length * 3) / 4) - padding;
}

/** `image/png, 68 bytes` for a data URL, else the URL itself. */
export function describeUrl(url: string): string {
  const found = /^data:([^;,]*)[^,]*,/.exec(url);
  if (!found) return url;
  return `${found[1] ?? ''}, ${base64Bytes(url.slice(found[0].length))} bytes`;
}
