import type { DocumentPart, Part } from '../../conversation';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { decodeAudio } from '../openai/audio-part';
import { decodeCacheHint } from '../openai/cache-hint';
import type { Findings } from '../openai/findings';
import { documentSource, readMediaUrl } from '../openai/media-url';
import { isAbsent } from '../openai/members';
import { CONTENT_PART_TYPES } from './wire';

type PartType = (typeof CONTENT_PART_TYPES)[number];

const READ_OF_PART: ReadonlySet<string> = new Set([
  'type',
  'text',
  'image_url',
  'input_audio',
  'refusal',
  'file',
  'cache_control',
  'prompt_cache_breakpoint',
]);
const READ_OF_IMAGE: ReadonlySet<string> = new Set(['url', 'detail']);
const READ_OF_FILE: ReadonlySet<string> = new Set(['file_data', 'file_id', 'filename']);

/** Message content → parts. An empty string is no part: no dialect sends an empty text. */
export function decodeContent(
  content: JsonValue | undefined,
  path: string,
  allowed: readonly PartType[],
  findings: Findings,
): Part[] {
  if (isAbsent(content)) return [];
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  if (!Array.isArray(content)) {
    findings.wrongType(path, 'one of a string or array of objects', content);
    return [];
  }
  const parts: Part[] = [];
  content.forEach((wire, index) => {
    const part = decodePart(wire, `${path}[${index}]`, allowed, findings);
    if (part) parts.push(part);
  });
  return parts;
}

function decodePart(wire: JsonValue, path: string, allowed: readonly PartType[], findings: Findings): Part | undefined {
  // Compatible servers take bare strings among the parts.
  if (typeof wire === 'string') return { type: 'text', text: wire };
  if (!isJsonObject(wire)) {
    findings.wrongType(path, 'an object', wire);
    return undefined;
  }
  const type = allowed.find((name) => name === wire.type);
  if (type === undefined) {
    if (isAbsent(wire.type)) findings.missing(`${path}.type`);
    else findings.unsupportedValue(`${path}.type`, wire.type, allowed);
    return undefined;
  }
  findings.leaveRest(wire, READ_OF_PART, path);
  const part = decodePartOfType(type, wire, path, findings);
  const cache = decodeCacheHint(wire, path, findings);
  if (part && cache) part.cache = cache;
  return part;
}

function decodePartOfType(type: PartType, wire: JsonObject, path: string, findings: Findings): Part | undefined {
  switch (type) {
    case 'text':
      return { type: 'text', text: findings.required(wire, 'text', path) };
    case 'refusal':
      return { type: 'refusal', text: findings.required(wire, 'refusal', path) };
    case 'image_url':
      return decodeImage(wire.image_url, `${path}.image_url`, findings);
    case 'input_audio':
      return decodeAudio(wire.input_audio, `${path}.input_audio`, findings);
    case 'file':
      return decodeFile(wire.file, `${path}.file`, findings);
  }
}

function decodeImage(value: JsonValue | undefined, path: string, findings: Findings): Part | undefined {
  if (isAbsent(value)) {
    findings.missing(path);
    return undefined;
  }
  const image = findings.object(value, path);
  if (!image) return undefined;
  findings.leaveRest(image, READ_OF_IMAGE, path);
  const url = findings.required(image, 'url', path);
  const source = readMediaUrl(url);
  if (!source) {
    findings.fail(
      `Invalid '${path}.url'. Expected a valid URL, or a base64-encoded data URL such as 'data:image/png;base64,…'.`,
      `${path}.url`,
      'invalid_value',
    );
    return undefined;
  }
  const detail = findings.scalar(image, 'detail', 'string', path);
  return { type: 'image', source, ...(detail !== undefined && { detail }) };
}

function decodeFile(value: JsonValue | undefined, path: string, findings: Findings): Part | undefined {
  if (isAbsent(value)) findings.missing(path);
  const file = findings.object(value, path);
  if (!file) return undefined;
  findings.leaveRest(file, READ_OF_FILE, path);
  const title = findings.scalar(file, 'filename', 'string', path);
  const source = decodeFileSource(file, path, findings);
  return source && { type: 'document', source, ...(title !== undefined && { title }) };
}

function decodeFileSource(file: JsonObject, path: string, findings: Findings): DocumentPart['source'] | undefined {
  const fileId = findings.scalar(file, 'file_id', 'string', path);
  if (fileId !== undefined) return { type: 'file', fileId };
  const data = findings.scalar(file, 'file_data', 'string', path);
  if (data === undefined) {
    findings.missing(`${path}.file_data`);
    return undefined;
  }
  // OpenRouter takes a URL here.
  const source = readMediaUrl(data);
  if (!source) {
    findings.fail(
      `Invalid '${path}.file_data'. Expected a base64-encoded data URL with a MIME type, such as 'data:application/pdf;base64,…'.`,
      `${path}.file_data`,
      'invalid_value',
    );
    return undefined;
  }
  return documentSource(source);
}
