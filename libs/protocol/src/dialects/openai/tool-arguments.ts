import { isJsonObject } from '../../json';

/** Sole member of the object that stands in for arguments which are no JSON object. */
const RAW_ARGUMENTS = '__raw_arguments';

/**
 * Arguments as an upstream takes them back: always the text of a JSON object, because servers parse it to fill the
 * model's template and refuse the whole request where it is cut off or no object.
 */
export function writeArguments(text: string): string {
  if (text.trim() === '') return '{}';
  return isObjectText(text) ? text : JSON.stringify({ [RAW_ARGUMENTS]: text });
}

/** The text as the model wrote it. */
export function readArguments(text: string): string {
  if (!text.startsWith(`{"${RAW_ARGUMENTS}":`) || !isObjectText(text)) return text;
  const parsed: unknown = JSON.parse(text);
  const raw = isJsonObject(parsed) && Object.keys(parsed).length === 1 ? parsed[RAW_ARGUMENTS] : undefined;
  return typeof raw === 'string' ? raw : text;
}

function isObjectText(text: string): boolean {
  try {
    return isJsonObject(JSON.parse(text));
  } catch {
    return false;
  }
}
