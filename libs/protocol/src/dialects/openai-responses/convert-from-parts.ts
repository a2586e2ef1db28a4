import type { DocumentPart, ImagePart, Part, TextPart } from '../../conversation';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { decodeAudio } from '../openai/audio-part';
import { decodeCacheHint } from '../openai/cache-hint';
import type { Findings } from '../openai/findings';
import { documentSource, readMediaUrl } from '../openai/media-url';
import { isAbsent } from '../openai/members';

const READ_OF_TEXT: ReadonlySet<string> = new Set([
  'type',
  'text',
  'annotations',
  'logprobs',
  'prompt_cache_breakpoint',
]);
const READ_OF_IMAGE: ReadonlySet<string> = new Set([
  ...['type', 'image_url', 'file_id', 'detail', 'prompt_cache_breakpoint'],
]);
const READ_OF_FILE: ReadonlySet<string> = new Set([
  ...['type', 'file_data', 'file_id', 'file_url', 'filename', 'detail', 'prompt_cache_breakpoint'],
]);
const READ_OF_AUDIO: ReadonlySet<string> = new Set(['type', 'input_audio']);
const READ_OF_REFUSAL: ReadonlySet<string> = new Set(['type', 'refusal']);

type PartType = 'input_text' | 'input_image' | 'input_file' | 'input_audio' | 'output_text' | 'refusal';

export const INPUT_PARTS: readonly PartType[] = ['input_text', 'input_image', 'input_file', 'input_audio'];
export const OUTPUT_PARTS: readonly PartType[] = ['output_text', 'refusal', 'input_text', 'input_image', 'input_file'];
export const RESULT_PARTS: readonly PartType[] = ['input_text', 'input_image', 'input_file'];

/** Content of a message, or the output of a tool → parts. An empty string is no part: no dialect sends an empty text. */
export function decodeContent(
  content: JsonValue | undefined,
  path: string,
  allowed: readonly PartType[],
  findings: Findings,
): Part[] {
  if (isAbsent(content)) {
    findings.missing(path);
    return [];
  }
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  if (!Array.isArray(content)) {
    findings.wrongType(path, 'one of an array of objects or string', content);
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
  const part = decodePartOfType(type, wire, path, findings);
  const cache = decodeCacheHint(wire, path, findings);
  if (part && cache) part.cache = cache;
  return part;
}

function decodePartOfType(type: PartType, wire: JsonObject, path: string, findings: Findings): Part | undefined {
  switch (type) {
    case 'input_text':
    case 'output_text':
      return decodeText(wire, path, findings);
    case 'refusal':
      findings.leaveRest(wire, READ_OF_REFUSAL, path);
      return { type: 'refusal', text: findings.required(wire, 'refusal', path) };
    case 'input_image':
      return decodeImage(wire, path, findings);
    case 'input_file':
      return decodeFile(wire, path, findings);
    case 'input_audio':
      findings.leaveRest(wire, READ_OF_AUDIO, path);
      return decodeAudio(wire.input_audio, `${path}.input_audio`, findings);
  }
}

function decodeText(wire: JsonObject, path: string, findings: Findings): TextPart {
  findings.leaveRest(wire, READ_OF_TEXT, path);
  const citations = findings.array(wire.annotations, `${path}.annotations`) ?? [];
  // Clients hand replies back as they came, with an empty list where nobody asked for any.
  const logprobs = findings.array(wire.logprobs, `${path}.logprobs`) ?? [];
  if (logprobs.length > 0) findings.leave(`${path}.logprobs`, logprobs);
  const text = findings.required(wire, 'text', path);
  return { type: 'text', text, ...(citations.length > 0 && { citations }) };
}

function decodeImage(wire: JsonObject, path: string, findings: Findings): ImagePart | undefined {
  findings.leaveRest(wire, READ_OF_IMAGE, path);
  const source = decodeImageSource(wire, path, findings);
  const detail = findings.scalar(wire, 'detail', 'string', path);
  // The types demand the member, so that clients write the default out.
  return source && { type: 'image', source, ...(detail !== undefined && detail !== 'auto' && { detail }) };
}

function decodeImageSource(wire: JsonObject, path: string, findings: Findings): ImagePart['source'] | undefined {
  const fileId = findings.scalar(wire, 'file_id', 'string', path);
  if (fileId !== undefined) return { type: 'file', fileId };
  const url = findings.required(wire, 'image_url', path);
  const source = readMediaUrl(url);
  if (source) return source;
  findings.fail(
    `Invalid '${path}.image_url'. Expected a valid URL, or a base64-encoded data URL such as 'data:image/png;base64,…'.`,
    `${path}.image_url`,
    'invalid_value',
  );
  return undefined;
}

function decodeFile(wire: JsonObject, path: string, findings: Findings): DocumentPart | undefined {
  findings.leaveRest(wire, READ_OF_FILE, path);
  const { detail } = wire;
  if (!isAbsent(detail) && detail !== 'auto') findings.leave(`${path}.detail`, detail);
  const title = findings.scalar(wire, 'filename', 'string', path);
  const source = decodeFileSource(wire, path, findings);
  return source && { type: 'document', source, ...(title !== undefined && { title }) };
}

function decodeFileSource(wire: JsonObject, path: string, findings: Findings): DocumentPart['source'] | undefined {
  const fileId = findings.scalar(wire, 'file_id', 'string', path);
  if (fileId !== undefined) return { type: 'file', fileId };
  const name = isAbsent(wire.file_data) && !isAbsent(wire.file_url) ? 'file_url' : 'file_data';
  const source = readMediaUrl(findings.required(wire, name, path));
  if (source) return documentSource(source);
  const expected =
    name === 'file_url'
      ? 'a valid URL'
      : "a base64-encoded data URL with a MIME type, such as 'data:application/pdf;base64,…'";
  findings.fail(`Invalid '${path}.${name}'. Expected ${expected}.`, `${path}.${name}`, 'invalid_value');
  return undefined;
}
