import { isJsonObject, type JsonObject, type JsonValue } from '../../json';

export interface ToolInput {
  input: JsonObject;
  /** False where the arguments were no JSON object and had to be wrapped. */
  faithful: boolean;
}

/**
 * Arguments as a model wrote them, as the JSON object the API demands. Nothing at all is `{}`; JSON of another kind is
 * wrapped as `{"value": …}`; what is no JSON (cut off at the token limit, say) as `{"raw": "…"}`, letter for letter.
 */
export function toolInput(text: string): ToolInput {
  if (text.trim() === '') return { input: {}, faithful: true };
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    return { input: { raw: text }, faithful: false };
  }
  return isJsonObject(value) ? { input: value, faithful: true } : { input: { value }, faithful: false };
}
