import type { JsonObject, JsonValue } from '../../json';

export function textMember(record: JsonObject, name: string): string | undefined {
  const value = record[name];
  return typeof value === 'string' ? value : undefined;
}

/** Servers write out what they have nothing to say of. */
export function isEmpty(value: JsonValue | undefined): boolean {
  if (isAbsent(value) || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** Absent and `null` mean the same everywhere in OpenAI's dialects. */
export function isAbsent(value: JsonValue | undefined): value is null | undefined {
  return value === undefined || value === null;
}
