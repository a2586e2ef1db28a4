import type { JsonObject, JsonValue } from '../../json';

export function textMember(record: JsonObject, name: string): string | undefined {
  const value = record[name];
  return typeof value === 'string' ? value : undefined;
}

/** Absent and `null` mean the same everywhere in OpenAI's dialects. */
export function isAbsent(value: JsonValue | undefined): value is null | undefined {
  return value === undefined || value === null;
}
