import type { JsonObject, JsonValue } from '../../json';

/** The words of a Responses reply, after `resources/responses/responses.d.ts` of `openai` 7.55. */
export const RESPONSE_OBJECT = 'response';

export type ResponseStatus = 'completed' | 'in_progress' | 'incomplete' | 'failed';

/** Data with which servers of other OpenAI dialects end a stream, and some of this one too. */
export const DONE = '[DONE]';

export function arrayMember(record: JsonObject, name: string): JsonValue[] {
  const value = record[name];
  return Array.isArray(value) ? value : [];
}
