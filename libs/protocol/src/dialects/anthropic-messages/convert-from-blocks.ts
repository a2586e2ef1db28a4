import type { CacheHint, DocumentPart, MediaSource, Part } from '../../conversation';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { openSignature } from '../../signature-envelope';
import type { Findings } from './findings';
import { DIALECT_ID, isAbsent } from './wire';

/** Where a block stands. Each level holds less than the one above, which also bounds the recursion. */
type Level = 'message' | 'tool-result' | 'document';

const AT_MESSAGE: ReadonlySet<string> = new Set([
  'text',
  'image',
  'document',
  'search_result',
  'thinking',
  'redacted_thinking',
  'tool_use',
  'tool_result',
  'tool_reference',
]);
const AT_TOOL_RESULT: ReadonlySet<string> = new Set(['text', 'image', 'document', 'search_result', 'tool_reference']);
const AT_DOCUMENT: ReadonlySet<string> = new Set(['text', 'image']);
const UNDERSTOOD: Record<Level, ReadonlySet<string>> = {
  message: AT_MESSAGE,
  'tool-result': AT_TOOL_RESULT,
  document: AT_DOCUMENT,
};

const READ_OF_TEXT = new Set(['type', 'text', 'citations', 'cache_control']);
const READ_OF_IMAGE = new Set(['type', 'source', 'cache_control']);
const READ_OF_DOCUMENT = new Set(['type', 'source', 'title', 'context', 'citations', 'cache_control']);
const READ_OF_SEARCH_RESULT = new Set(['type', 'source', 'title', 'content', 'citations', 'cache_control']);
const READ_OF_THINKING = new Set(['type', 'thinking', 'signature', 'cache_control']);
const READ_OF_REDACTED_THINKING = new Set(['type', 'data', 'cache_control']);
const READ_OF_TOOL_USE = new Set(['type', 'id', 'name', 'input', 'caller', 'cache_control']);
const READ_OF_TOOL_RESULT = new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control']);
const READ_OF_TOOL_REFERENCE = new Set(['type', 'tool_name', 'cache_control']);
const READ_OF_CACHE_CONTROL = new Set(['type', 'ttl']);
const READ_OF_CITATIONS = new Set(['enabled']);
const READ_OF_SOURCE = new Set(['type', 'media_type', 'data', 'url', 'file_id', 'content']);

/** Content that may be a plain string or blocks. */
export function decodeContent(
  content: JsonValue | undefined,
  path: string,
  findings: Findings,
  level: Level = 'message',
): Part[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  const blocks = findings.array(content, path) ?? [];
  const parts: Part[] = [];
  blocks.forEach((block, index) => {
    const part = decodeBlock(block, `${path}[${index}]`, findings, level);
    if (part !== undefined) parts.push(part);
  });
  return parts;
}

function decodeBlock(value: JsonValue, path: string, findings: Findings, level: Level): Part | undefined {
  if (!isJsonObject(value)) {
    findings.fail(path, 'Input should be a valid dictionary');
    return undefined;
  }
  const type = findings.tag(value, path);
  if (!UNDERSTOOD[level].has(type)) return { type: 'opaque', dialect: DIALECT_ID, wire: value };
  const [part, unmapped] = findings.collect(() => decodeKnown(type, value, path, findings));
  const cache = decodeCacheControl(value, path, findings);
  if (cache !== undefined) part.cache = cache;
  if (unmapped.length > 0) part.unmapped = unmapped;
  return part;
}

function decodeKnown(type: string, block: JsonObject, path: string, findings: Findings): Part {
  switch (type) {
    case 'image':
      findings.leaveRest(block, READ_OF_IMAGE, path);
      return { type: 'image', source: decodeImageSource(block, path, findings) };
    case 'document':
      return decodeDocument(block, path, findings);
    case 'search_result':
      return decodeSearchResult(block, path, findings);
    case 'thinking':
      return decodeThinking(block, path, findings);
    case 'redacted_thinking':
      findings.leaveRest(block, READ_OF_REDACTED_THINKING, path);
      return decodeRedactedThinking(block, path, findings);
    case 'tool_use':
      return decodeToolUse(block, path, findings);
    case 'tool_result':
      return decodeToolResult(block, path, findings);
    case 'tool_reference':
      findings.leaveRest(block, READ_OF_TOOL_REFERENCE, path);
      return { type: 'tool-reference', toolName: findings.requiredString(block, 'tool_name', path) };
    default:
      return decodeText(block, path, findings);
  }
}

function decodeText(block: JsonObject, path: string, findings: Findings): Part {
  findings.leaveRest(block, READ_OF_TEXT, path);
  const citations = findings.array(block['citations'], `${path}.citations`);
  const text = findings.requiredString(block, 'text', path);
  return citations === undefined || citations.length === 0 ? { type: 'text', text } : { type: 'text', text, citations };
}

/** A signature of "" is how Claude Code sends back thinking that came without one. */
function decodeThinking(block: JsonObject, path: string, findings: Findings): Part {
  findings.leaveRest(block, READ_OF_THINKING, path);
  const text = findings.requiredString(block, 'thinking', path);
  const signature = findings.string(block, 'signature', path);
  return signature === undefined || signature === ''
    ? { type: 'thinking', text }
    : { type: 'thinking', text, ...openSignature(signature, DIALECT_ID) };
}

function decodeRedactedThinking(block: JsonObject, path: string, findings: Findings): Part {
  const { signature, signedBy } = openSignature(findings.requiredString(block, 'data', path), DIALECT_ID);
  return { type: 'redacted-thinking', data: signature, signedBy };
}

/** `input` is an object; Claude Code sends back the broken JSON of a cut-off call as a string, kept letter for letter. */
function decodeToolUse(block: JsonObject, path: string, findings: Findings): Part {
  findings.leaveRest(block, READ_OF_TOOL_USE, path);
  const caller = block['caller'];
  if (isOtherCaller(caller)) findings.leave(`${path}.caller`, caller);
  return {
    type: 'tool-call',
    id: findings.requiredString(block, 'id', path),
    name: findings.requiredString(block, 'name', path),
    arguments: decodeToolInput(block['input']),
  };
}

/** A direct call is the default, and SDK 1.x repeats it on every call. */
export function isOtherCaller(caller: JsonValue | undefined): caller is JsonValue {
  return !isAbsent(caller) && !(isJsonObject(caller) && caller['type'] === 'direct');
}

export function decodeToolInput(input: JsonValue | undefined): string {
  if (typeof input === 'string') return input;
  return isAbsent(input) ? '' : JSON.stringify(input);
}

function decodeToolResult(block: JsonObject, path: string, findings: Findings): Part {
  findings.leaveRest(block, READ_OF_TOOL_RESULT, path);
  const part: Part = {
    type: 'tool-result',
    callId: findings.requiredString(block, 'tool_use_id', path),
    parts: decodeContent(block['content'], `${path}.content`, findings, 'tool-result'),
  };
  const isError = findings.boolean(block, 'is_error', path);
  if (isError !== undefined) part.isError = isError;
  return part;
}

function decodeDocument(block: JsonObject, path: string, findings: Findings): DocumentPart {
  findings.leaveRest(block, READ_OF_DOCUMENT, path);
  return documentPart(block, path, findings, decodeDocumentSource(block, path, findings), {
    title: findings.string(block, 'title', path),
    context: findings.string(block, 'context', path),
  });
}

/** A search result is a document made of texts; where it was found goes along as the document's context. */
function decodeSearchResult(block: JsonObject, path: string, findings: Findings): DocumentPart {
  findings.leaveRest(block, READ_OF_SEARCH_RESULT, path);
  const parts = decodeContent(block['content'], `${path}.content`, findings, 'document');
  return documentPart(
    block,
    path,
    findings,
    { type: 'parts', parts },
    {
      title: findings.string(block, 'title', path),
      context: findings.string(block, 'source', path),
    },
  );
}

function documentPart(
  block: JsonObject,
  path: string,
  findings: Findings,
  source: DocumentPart['source'],
  { title, context }: { title: string | undefined; context: string | undefined },
): DocumentPart {
  const citations = findings.object(block['citations'], `${path}.citations`);
  if (citations !== undefined) findings.leaveRest(citations, READ_OF_CITATIONS, `${path}.citations`);
  const enabled = citations && findings.boolean(citations, 'enabled', `${path}.citations`);
  const part: DocumentPart = { type: 'document', source };
  if (title !== undefined) part.title = title;
  if (context !== undefined) part.context = context;
  if (enabled !== undefined) part.citations = enabled;
  return part;
}

const IMAGE_SOURCES = ['base64', 'url', 'file'];
const DOCUMENT_SOURCES = ['base64', 'text', 'content', 'url', 'file'];
const NO_SOURCE: MediaSource = { type: 'url', url: '' };

function sourceOf(block: JsonObject, path: string, findings: Findings): JsonObject | undefined {
  if (isAbsent(block['source'])) findings.missing(`${path}.source`);
  const source = findings.object(block['source'], `${path}.source`);
  if (source !== undefined) findings.leaveRest(source, READ_OF_SOURCE, `${path}.source`);
  return source;
}

function decodeImageSource(block: JsonObject, path: string, findings: Findings): MediaSource {
  const source = sourceOf(block, path, findings);
  if (source === undefined) return NO_SOURCE;
  const media = decodeMediaSource(source, `${path}.source`, findings);
  if (media === undefined) findings.unknownTag(source, `${path}.source`, IMAGE_SOURCES);
  return media ?? NO_SOURCE;
}

function decodeDocumentSource(block: JsonObject, blockPath: string, findings: Findings): DocumentPart['source'] {
  const source = sourceOf(block, blockPath, findings);
  if (source === undefined) return NO_SOURCE;
  const path = `${blockPath}.source`;
  if (source['type'] === 'text') {
    const mediaType = findings.string(source, 'media_type', path) ?? 'text/plain';
    return { type: 'text', mediaType, text: findings.requiredString(source, 'data', path) };
  }
  if (source['type'] === 'content') {
    return { type: 'parts', parts: decodeContent(source['content'], `${path}.content`, findings, 'document') };
  }
  const media = decodeMediaSource(source, path, findings);
  if (media === undefined) findings.unknownTag(source, path, DOCUMENT_SOURCES);
  return media ?? NO_SOURCE;
}

function decodeMediaSource(source: JsonObject, path: string, findings: Findings): MediaSource | undefined {
  switch (source['type']) {
    case 'base64': {
      const mediaType = findings.requiredString(source, 'media_type', path);
      return { type: 'base64', mediaType, data: findings.requiredString(source, 'data', path) };
    }
    case 'url':
      return { type: 'url', url: findings.requiredString(source, 'url', path) };
    case 'file':
      return { type: 'file', fileId: findings.requiredString(source, 'file_id', path) };
    default:
      return undefined;
  }
}

export function decodeCacheControl(record: JsonObject, path: string, findings: Findings): CacheHint | undefined {
  const control = findings.object(record['cache_control'], `${path}.cache_control`);
  if (control === undefined) return undefined;
  findings.leaveRest(control, READ_OF_CACHE_CONTROL, `${path}.cache_control`);
  const ttl = findings.string(control, 'ttl', `${path}.cache_control`);
  return ttl === undefined ? {} : { ttl };
}
