import type { JsonObject } from '../../json';
import { textMember } from '../openai/members';

/**
 * The words of OpenAI Chat Completions, after `resources/chat/completions/completions.d.ts` of `openai` 7.55. Members
 * that only compatible servers send are read as well and marked where they are read.
 */
export const ROLES = ['system', 'assistant', 'user', 'function', 'tool', 'developer'] as const;
export type WireRole = (typeof ROLES)[number];

export const CONTENT_PART_TYPES = ['text', 'image_url', 'input_audio', 'refusal', 'file'] as const;

export type WireFinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter';

export const COMPLETION_OBJECT = 'chat.completion';
export const CHUNK_OBJECT = 'chat.completion.chunk';

/** Data of the event that ends a stream. */
export const DONE = '[DONE]';

/** The most stop sequences the API takes. */
export const STOP_SEQUENCES_MAX = 4;

/** Some servers number their replies and calls. Empty where there is none. */
export function idMember(record: JsonObject): string {
  const { id } = record;
  return typeof id === 'number' ? String(id) : typeof id === 'string' ? id : '';
}

/** What reasoning models of compatible servers thought: `reasoning_content`, or `reasoning` (OpenRouter, Ollama, vLLM). */
export function reasoningOf(record: JsonObject): string | undefined {
  return textMember(record, 'reasoning_content') || textMember(record, 'reasoning');
}
