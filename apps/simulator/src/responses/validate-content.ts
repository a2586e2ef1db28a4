import { refuse } from '../api-failure';
import { isObject, textOf, type JsonObject } from '../json';
import { missing, wrongType } from '../openai/refusals';
import { refuseValue } from './refusals';

const INPUT_PARTS = ['input_text', 'input_image', 'input_file', 'input_audio'];
const OUTPUT_PARTS = ['output_text', 'refusal'];

/** Refuses what the Responses API refuses in the content of a message. */
export function validateContent(content: unknown, role: string, path: string): void {
  if (content === undefined) missing(path);
  if (typeof content === 'string') return;
  validateParts(content, role === 'assistant' ? OUTPUT_PARTS : INPUT_PARTS, path);
}

/** The same for what a tool gave. */
export function validateOutput(output: unknown, path: string): void {
  if (output === undefined) missing(path);
  if (typeof output === 'string') return;
  validateParts(output, INPUT_PARTS, path);
}

function validateParts(parts: unknown, types: readonly string[], path: string): void {
  if (!Array.isArray(parts)) {
    return refuse(wrongType(path, 'one of a string or array of objects', parts), path, 'invalid_type');
  }
  parts.forEach((part: unknown, at) => {
    const place = `${path}[${at}]`;
    if (!isObject(part)) return refuse(wrongType(place, 'an object', part), place, 'invalid_type');
    const type = textOf(part['type']);
    if (!types.includes(type)) refuseValue(type, types, place);
    validatePart(part, type, place);
  });
}

function validatePart(part: JsonObject, type: string, path: string): void {
  switch (type) {
    case 'input_text':
    case 'output_text':
      if (typeof part['text'] !== 'string') missing(`${path}.text`);
      return;
    case 'refusal':
      if (typeof part['refusal'] !== 'string') missing(`${path}.refusal`);
      return;
    case 'input_image':
      return validateImage(part, path);
    case 'input_file':
      if (['file_data', 'file_url', 'file_id'].every((key) => textOf(part[key]) === '')) {
        refuse(
          `Missing required parameter: one of '${path}.file_id', '${path}.file_data' or '${path}.file_url'.`,
          path,
        );
      }
      return;
    default:
      return;
  }
}

function validateImage(part: JsonObject, path: string): void {
  const url = part['image_url'];
  if (url == null && textOf(part['file_id']) === '') missing(`${path}.image_url`);
  if (url == null) return;
  if (typeof url !== 'string') {
    return refuse(wrongType(`${path}.image_url`, 'a string', url), `${path}.image_url`, 'invalid_type');
  }
  if (!/^(https?:\/\/|data:image\/[a-z+.-]+;base64,[A-Za-z0-9+/]+=*$)/.test(url)) {
    const text = `Invalid '${path}.image_url'. Expected a valid URL, but got a value with an invalid format.`;
    refuse(text, `${path}.image_url`, 'invalid_value');
  }
}
