import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import type { Unmapped } from '../../loss';
import { isEmpty } from '../openai/members';

/** The words of a Responses reply, after `resources/responses/responses.d.ts` of `openai` 7.55. */
export const RESPONSE_OBJECT = 'response';

export type ResponseStatus = 'completed' | 'in_progress' | 'incomplete' | 'failed';

/** Data with which servers of other OpenAI dialects end a stream, and some of this one too. */
export const DONE = '[DONE]';

/** Members of a response that say how it ended, tell the request back, or are about the work of this API alone. */
const READ_OF_RESPONSE: ReadonlySet<string> = new Set([
  ...['id', 'object', 'created_at', 'completed_at', 'status', 'error', 'incomplete_details', 'model', 'output'],
  ...['output_text', 'usage', 'service_tier', 'instructions', 'metadata', 'parallel_tool_calls', 'temperature'],
  ...['tool_choice', 'tools', 'top_p', 'background', 'conversation', 'max_output_tokens', 'max_tool_calls', 'prompt'],
  ...['previous_response_id', 'prompt_cache_key', 'prompt_cache_options', 'prompt_cache_retention', 'reasoning'],
  ...['safety_identifier', 'text', 'top_logprobs', 'truncation', 'user', 'store', 'frequency_penalty', 'image'],
  ...['presence_penalty', 'access_programs', 'billing', 'prompt_cache_diagnostics', 'tool_usage'],
]);
const READ_OF_INCOMPLETE_DETAILS: ReadonlySet<string> = new Set(['reason']);

/** What a response says that is none of these, empty values aside. */
export function unreadOf(response: JsonObject): Unmapped[] {
  const details = response.incomplete_details;
  const inDetails = isJsonObject(details) ? unread(details, READ_OF_INCOMPLETE_DETAILS, 'incomplete_details.') : [];
  return [...unread(response, READ_OF_RESPONSE, ''), ...inDetails];
}

function unread(record: JsonObject, read: ReadonlySet<string>, prefix: string): Unmapped[] {
  return Object.entries(record)
    .filter(([name, value]) => !read.has(name) && !isEmpty(value))
    .map(([name, value]) => ({ path: `${prefix}${name}`, value }));
}

export function arrayMember(record: JsonObject, name: string): JsonValue[] {
  const value = record[name];
  return Array.isArray(value) ? value : [];
}
