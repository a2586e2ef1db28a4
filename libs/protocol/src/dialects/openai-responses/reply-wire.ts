import type { JsonObject, JsonValue } from '../../json';

/** The words of a Responses reply, after `resources/responses/responses.d.ts` of `openai` 7.55. */
export const DIALECT_ID = 'openai-responses';
export const RESPONSE_OBJECT = 'response';

export type ResponseStatus = 'completed' | 'in_progress' | 'incomplete' | 'failed';

/** Data with which servers of other OpenAI dialects end a stream, and some of this one too. */
export const DONE = '[DONE]';

export const ANNOTATION_TYPES: ReadonlySet<JsonValue | undefined> = new Set([
  'file_citation',
  'url_citation',
  'container_file_citation',
  'file_path',
]);

export function arrayMember(record: JsonObject, name: string): JsonValue[] {
  const value = record[name];
  return Array.isArray(value) ? value : [];
}
