import type {
  DocumentPart,
  ImagePart,
  MediaSource,
  Part,
  TextPart,
  ThinkingPart,
  ToolCallPart,
  ToolResultPart,
} from '../../conversation';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { cacheControl, type Encoding } from './encoding';
import { toolInput } from './tool-input';
import { CITATION_TYPES, DIALECT_ID, type DocumentSourceWire, type MediaSourceWire } from './wire';

/** Parts as content blocks; those without a place here become losses. */
export function encodeParts(parts: readonly Part[], path: string, encoding: Encoding): JsonObject[] {
  const blocks: JsonObject[] = [];
  parts.forEach((part, index) => {
    const partPath = `${path}[${index}]`;
    const block = encodePart(part, partPath, encoding);
    encoding.loseUnmapped(part.unmapped);
    if (block === undefined) {
      encoding.loseCache(part, partPath);
      return;
    }
    if (part.cache !== undefined) {
      if (part.type === 'thinking' || part.type === 'redacted-thinking') encoding.loseCache(part, partPath);
      else block['cache_control'] = cacheControl(part.cache);
    }
    blocks.push(block);
  });
  return blocks;
}

function encodePart(part: Part, path: string, encoding: Encoding): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      return encodeText(part, path, encoding);
    case 'image':
      return encodeImage(part, path, encoding);
    case 'document':
      return encodeDocument(part, path, encoding);
    case 'audio':
      encoding.refuse('audio input is not supported by this model', path);
      return undefined;
    case 'thinking':
      // The API refuses thinking it did not sign.
      if (isSigned(part)) return { type: 'thinking', thinking: part.text, signature: part.signature };
      encoding.lose('thinking.signature', path);
      return undefined;
    case 'redacted-thinking':
      if (part.signedBy === DIALECT_ID) return { type: 'redacted_thinking', data: part.data };
      encoding.lose('redacted_thinking', path);
      return undefined;
    case 'refusal':
      encoding.lose('refusal', path);
      return encodeText({ type: 'text', text: part.text }, path, encoding);
    case 'tool-call':
      return encodeToolCall(part, path, encoding);
    case 'tool-result':
      return encodeToolResult(part, path, encoding);
    case 'tool-reference':
      return { type: 'tool_reference', tool_name: encoding.toolName(part.toolName) };
    case 'opaque':
      if (part.dialect === DIALECT_ID) return { ...part.wire };
      encoding.lose(`block.${typeof part.wire['type'] === 'string' ? part.wire['type'] : 'unknown'}`, path);
      return undefined;
  }
}

/** By this API: what another provider signed is withheld, and comes back to that one. */
export function isSigned(part: ThinkingPart): part is ThinkingPart & { signature: string } {
  return part.signature !== undefined && part.signedBy === DIALECT_ID;
}

/** The API refuses blank text; leaving it out says the same. */
function encodeText(part: TextPart, path: string, encoding: Encoding): JsonObject | undefined {
  if (part.text.trim() === '') return undefined;
  const block: JsonObject = { type: 'text', text: part.text };
  const citations = part.citations?.filter(isCitation) ?? [];
  if (citations.length < (part.citations?.length ?? 0)) encoding.lose('citations', `${path}.citations`);
  if (citations.length > 0) block['citations'] = citations;
  return block;
}

export function isCitation(value: JsonValue): boolean {
  return isJsonObject(value) && CITATION_TYPES.has(value['type']);
}

function encodeImage(part: ImagePart, path: string, encoding: Encoding): JsonObject | undefined {
  if (!encoding.target.vision) {
    encoding.refuse('image input is not supported by this model', path);
    return undefined;
  }
  if (part.detail !== undefined && part.detail !== 'auto') encoding.lose('image.detail', `${path}.detail`);
  return { type: 'image', source: encodeMediaSource(part.source, path, encoding) };
}

/** Files that OpenAI keeps; the API has `file_…` of its own. */
const OPENAI_FILE_ID = /^file-/;

function encodeMediaSource(source: MediaSource, path: string, encoding: Encoding): MediaSourceWire {
  switch (source.type) {
    case 'base64':
      return { type: 'base64', media_type: canonicalMediaType(source.mediaType), data: source.data };
    case 'url':
      return { type: 'url', url: source.url };
    case 'file':
      if (OPENAI_FILE_ID.test(source.fileId))
        encoding.refuse(`the file '${source.fileId}' lies at another provider`, path);
      return { type: 'file', file_id: source.fileId };
  }
}

/** `image/jpg` is no media type, but data URLs are full of it, and the API refuses it. */
function canonicalMediaType(mediaType: string): string {
  return mediaType === 'image/jpg' ? 'image/jpeg' : mediaType;
}

function encodeDocument(part: DocumentPart, path: string, encoding: Encoding): JsonObject | undefined {
  const source = encodeDocumentSource(part, path, encoding);
  if (source === undefined) return undefined;
  const block: JsonObject = { type: 'document', source };
  if (part.title !== undefined) block['title'] = part.title;
  if (part.context !== undefined) block['context'] = part.context;
  if (part.citations !== undefined) block['citations'] = { enabled: part.citations };
  return block;
}

function encodeDocumentSource(part: DocumentPart, path: string, encoding: Encoding): DocumentSourceWire | undefined {
  const { source } = part;
  if (source.type === 'text') return { type: 'text', media_type: 'text/plain', data: source.text };
  if (source.type === 'parts') {
    return { type: 'content', content: encodeParts(source.parts, `${path}.source.content`, encoding) };
  }
  if (source.type === 'base64' && source.mediaType.startsWith('text/')) {
    return { type: 'text', media_type: 'text/plain', data: Buffer.from(source.data, 'base64').toString('utf8') };
  }
  if (!encoding.target.documents) {
    encoding.refuse('document input is not supported by this model', path);
    return undefined;
  }
  if (source.type === 'base64' && source.mediaType !== 'application/pdf') {
    encoding.refuse(`documents of type ${source.mediaType} are not supported by this model`, path);
    return undefined;
  }
  return encodeMediaSource(source, path, encoding);
}

function encodeToolCall(part: ToolCallPart, path: string, encoding: Encoding): JsonObject {
  const { input, faithful } =
    part.custom === true ? { input: { input: part.arguments }, faithful: false } : toolInput(part.arguments);
  if (!faithful) encoding.lose(part.custom === true ? 'tool_call.custom' : 'tool_arguments.invalid', `${path}.input`);
  return { type: 'tool_use', id: encoding.callId(part.id), name: encoding.toolName(part.name), input };
}

const RESULT_PARTS: ReadonlySet<Part['type']> = new Set(['text', 'image', 'document', 'tool-reference', 'opaque']);

function encodeToolResult(part: ToolResultPart, path: string, encoding: Encoding): JsonObject {
  const block: JsonObject = { type: 'tool_result', tool_use_id: encoding.callId(part.callId) };
  const accepted: Part[] = [];
  part.parts.forEach((inner, index) => {
    if (inner.type === 'audio' || RESULT_PARTS.has(inner.type)) accepted.push(inner);
    else encoding.lose(`block.${inner.type}`, `${path}.content[${index}]`);
  });
  const content = encodeParts(accepted, `${path}.content`, encoding);
  if (content.length > 0) block['content'] = content;
  if (part.isError !== undefined) block['is_error'] = part.isError;
  return block;
}
