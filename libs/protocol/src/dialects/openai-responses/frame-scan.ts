import { JsonScanner } from '../../json-scan';
import { readJsonString, type JsonSpan } from '../../json-span';

const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const BACKSLASH = 92;
const LOWER_U = 117;
const CLOSE_BRACE = 125;
const EVENT_FIELD = Buffer.from('event:');
const DATA_FIELD = Buffer.from('data:');
const DELTA_MEMBER = Buffer.from('"delta":"');

/** The members of an event that a tap looks at. One scan finds them all and checks the structure. */
export const EVENT_SCANNER = new JsonScanner([
  ...(['type', 'sequence_number', 'output_index', 'content_index', 'summary_index'] as const),
  ...(['part', 'part.type', 'arguments', 'input', 'delta', 'error'] as const),
  ...(['item', 'item.type', 'item.execution', 'response', 'response.model', 'response.usage'] as const),
  ...(['response.status', 'response.incomplete_details', 'response.error'] as const),
]);

/** The value of the only `data:` line of a frame that has nothing else but, before it, an `event:` line; else undefined. */
export function soleDataLine(bytes: Buffer, start: number, end: number): JsonSpan | undefined {
  let position = start;
  if (startsWith(bytes, position, end, EVENT_FIELD)) {
    while (position < end && bytes[position] !== LF && bytes[position] !== CR) position += 1;
    position += bytes[position] === CR && bytes[position + 1] === LF ? 2 : 1;
  }
  if (!startsWith(bytes, position, end, DATA_FIELD)) return undefined;
  let lineEnd = end;
  while (lineEnd > position && (bytes[lineEnd - 1] === LF || bytes[lineEnd - 1] === CR)) lineEnd -= 1;
  // By a loop: a search would run past the frame to the end of the read wherever there is no CR.
  for (let index = position; index < lineEnd; index++) {
    if (bytes[index] === LF || bytes[index] === CR) return undefined;
  }
  position += DATA_FIELD.length;
  return { start: bytes[position] === SPACE ? position + 1 : position, end: lineEnd };
}

/** How a delta event of one type begins, from the API and from nearly every server. */
export function deltaHead(type: string): Buffer {
  return Buffer.from(`event: ${type}\ndata: {"type":"${type}",`);
}

/** The text of a delta frame that begins so, quotes excluded; undefined where the frame has another form. */
export function findDelta(bytes: Buffer, start: number, end: number, head: Buffer): JsonSpan | undefined {
  if (!startsWith(bytes, start, end, head)) return undefined;
  if (bytes[end - 3] !== CLOSE_BRACE || bytes[end - 2] !== LF || bytes[end - 1] !== LF) return undefined;
  const member = bytes.indexOf(DELTA_MEMBER, start + head.length);
  if (member === -1 || member >= end) return undefined;
  const textStart = member + DELTA_MEMBER.length;
  for (let index = textStart; index < end; index++) {
    const byte = bytes[index];
    if (byte === QUOTE) return { start: textStart, end: index };
    if (byte === BACKSLASH) index += 1;
  }
  return undefined;
}

/** UTF-8 bytes of the text that stands at a span as JSON, quotes excluded. */
export function textBytes(bytes: Buffer, { start, end }: JsonSpan): number {
  let count = end - start;
  for (let index = start; index < end; index++) {
    if (bytes[index] !== BACKSLASH) continue;
    if (bytes[index + 1] === LOWER_U) {
      return Buffer.byteLength(readJsonString(bytes, { start: start - 1, end: end + 1 }) ?? '');
    }
    count -= 1;
    index += 1;
  }
  return count;
}

export function startsWith(bytes: Buffer, start: number, end: number, prefix: Buffer): boolean {
  if (end - start < prefix.length) return false;
  for (let index = 0; index < prefix.length; index++) if (bytes[start + index] !== prefix[index]) return false;
  return true;
}
