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
  return wires.length === 1 && only.type === 'input_text' ? (only.text ?? '') : wires;
}

/** Parts as the client or its tools say them, tool results aside. */
export function encodeInputParts(placed: readonly PlacedPart[], encoding: Encoding): JsonObject[] {
  return placed.flatMap(({ part, path }) => encodeInputPart(part, path, encoding));
}

function encodeInputPart(part: Part, path: string, encoding: Encoding): JsonObject[] {
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
      encoding.refuse('The upstream of this model does not take audio.', path);
      return [];
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

function text(content: string): JsonObject {
  return { type: 'input_text', text: content };
}

/** `detail` has a default, but the types demand it. */
function encodeImage({ source, detail = 'auto' }: ImagePart, path: string, encoding: Encoding): JsonObject[] {
  if (!encoding.target.vision) {
    encoding.refuse(`The model '${encoding.target.model}' does not take images.`, path);
    return [];
  }
  if (source.type !== 'file') {
    const url = source.type === 'url' ? source.url : dataUrl(source);
    return [{ type: 'input_image', image_url: url, detail }];
  }
  if (OPENAI_FILE_ID.test(source.fileId)) return [{ type: 'input_image', file_id: source.fileId, detail }];
  encoding.refuse(`The upstream of this model has no image by the file id '${source.fileId}'.`, path);
  return [];
}

function encodeDocument(document: DocumentPart, path: string, encoding: Encoding): JsonObject[] {
  const { source, title } = document;
  if (source.type === 'text') return [text(documentHeading(document) + source.text)];
  if (source.type === 'parts') return encodeInputParts(unwrapDocument(document, path), encoding);
  if (document.context !== undefined) encoding.lose('document.context', `${path}.context`);
  const name = title === undefined ? 'The document' : `The document '${title}'`;
  if (!encoding.target.documents) {
    encoding.refuse(`${name} cannot be sent: the model '${encoding.target.model}' does not take documents.`, path);
    return [];
  }
  if (source.type === 'base64') {
    return [{ type: 'input_file', filename: title ?? UNTITLED, file_data: dataUrl(source) }];
  }
  // A file that the provider fetches or keeps has its own name, and the API refuses another beside it.
  if (title !== undefined) encoding.lose('document.title', `${path}.title`);
  if (source.type === 'url') return [{ type: 'input_file', file_url: source.url }];
  if (OPENAI_FILE_ID.test(source.fileId)) return [{ type: 'input_file', file_id: source.fileId }];
  encoding.refuse(`${name} cannot be sent: the upstream of this model has no file '${source.fileId}'.`, path);
  return [];
}
