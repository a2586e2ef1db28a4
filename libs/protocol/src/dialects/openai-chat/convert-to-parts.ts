import type { DocumentPart, ImagePart, Part } from '../../conversation';
import type { JsonObject, JsonValue } from '../../json';
import type { Encoding } from '../openai/encoding';
import { documentHeading, toolReferenceLabel } from '../openai/labels';
import { dataUrl } from '../openai/media-url';
import {
  loseDocumentExtras,
  loseOpaque,
  OPENAI_FILE_ID,
  unwrapDocument,
  UNTITLED,
  type PlacedPart,
} from '../openai/placed-parts';

/** One text is sent as a plain string: every server takes that, not every server takes an array. */
export function collapse(wires: JsonObject[]): JsonValue {
  const [only] = wires;
  if (!only) return '';
  return wires.length === 1 && only.type === 'text' ? (only.text ?? '') : wires;
}

/** Parts of a user message, tool results aside. */
export function encodeUserParts(placed: readonly PlacedPart[], encoding: Encoding): JsonObject[] {
  return placed.flatMap(({ part, path }) => encodeUserPart(part, path, encoding));
}

function encodeUserPart(part: Part, path: string, encoding: Encoding): JsonObject[] {
  if (part.type === 'document') loseDocumentExtras(part, path, encoding);
  else encoding.loseExtras(part, path);
  switch (part.type) {
    case 'text':
    case 'refusal':
      return [text(part.text)];
    case 'tool-reference':
      return [text(toolReferenceLabel(encoding.toolName(part.toolName)))];
    case 'image':
      return encodeImage(part, path, encoding);
    case 'audio':
      return [{ type: 'input_audio', input_audio: { data: part.data, format: part.format } }];
    case 'document':
      return encodeDocument(part, path, encoding);
    case 'opaque':
      loseOpaque(part, path, encoding);
      return [];
    case 'thinking':
    case 'redacted-thinking':
    case 'tool-call':
    case 'tool-result':
      encoding.refuse(`A '${part.type}' part cannot stand here.`, path);
      return [];
  }
}

export function text(content: string): JsonObject {
  return { type: 'text', text: content };
}

function encodeImage({ source, detail }: ImagePart, path: string, encoding: Encoding): JsonObject[] {
  if (!encoding.target.vision) {
    encoding.refuse(`The model '${encoding.target.model}' does not take images.`, path);
    return [];
  }
  if (source.type === 'file') {
    encoding.refuse(`The upstream of this model does not take images by file id ('${source.fileId}').`, path);
    return [];
  }
  const url = source.type === 'url' ? source.url : dataUrl(source);
  return [{ type: 'image_url', image_url: { url, ...(detail !== undefined && { detail }) } }];
}

function encodeDocument(document: DocumentPart, path: string, encoding: Encoding): JsonObject[] {
  const { source, title } = document;
  if (source.type === 'text') return [text(documentHeading(document) + source.text)];
  if (source.type === 'parts') return encodeUserParts(unwrapDocument(document, path), encoding);
  if (document.context !== undefined) encoding.lose('document.context', `${path}.context`);
  const name = title === undefined ? 'The document' : `The document '${title}'`;
  if (!encoding.target.documents) {
    encoding.refuse(`${name} cannot be sent: the model '${encoding.target.model}' does not take documents.`, path);
    return [];
  }
  if (source.type === 'base64') {
    return [{ type: 'file', file: { filename: title ?? UNTITLED, file_data: dataUrl(source) } }];
  }
  if (source.type === 'file' && OPENAI_FILE_ID.test(source.fileId)) {
    return [{ type: 'file', file: { file_id: source.fileId, ...(title !== undefined && { filename: title }) } }];
  }
  const how = source.type === 'url' ? 'by URL' : `by file id ('${source.fileId}')`;
  encoding.refuse(`${name} cannot be sent ${how}: the upstream of this model takes only its bytes.`, path);
  return [];
}
