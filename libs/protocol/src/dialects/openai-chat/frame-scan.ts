import { JsonScanner, type JsonSpan } from '../../json-scan';
import { readJsonString } from '../../json-span';

/** The members of a chunk or reply that a tap looks at. One scan finds them all and checks the structure. */
export const FRAME_SCANNER = new JsonScanner(['model', 'usage', 'choices', 'error', 'object']);

const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const COLON = 58;
const BACKSLASH = 92;
const LOWER_N = 110;
const DATA_FIELD = Buffer.from('data:');
const DELTA = Buffer.from('"delta"');
const FINISH_REASON = Buffer.from('"finish_reason"');

/** Members of a delta that hold what the model wrote. */
const GENERATED = ['content', 'reasoning_content', 'reasoning', 'refusal', 'arguments', 'input'].map((name) =>
  Buffer.from(name),
);

/** The value of a frame's only line, where that line is `data:`; undefined: the frame takes a real decoder. */
export function soleDataLine(bytes: Buffer, start: number, end: number): JsonSpan | undefined {
  if (!startsWith(bytes, start, end, DATA_FIELD)) return undefined;
  let lineEnd = end;
  while (lineEnd > start && (bytes[lineEnd - 1] === LF || bytes[lineEnd - 1] === CR)) lineEnd -= 1;
  const lineFeed = bytes.indexOf(LF, start);
  if (lineFeed !== -1 && lineFeed < lineEnd) return undefined;
  const carriageReturn = bytes.indexOf(CR, start);
  if (carriageReturn !== -1 && carriageReturn < lineEnd) return undefined;
  const colonEnd = start + DATA_FIELD.length;
  return { start: bytes[colonEnd] === SPACE ? colonEnd + 1 : colonEnd, end: lineEnd };
}

export function startsWith(bytes: Buffer, start: number, end: number, prefix: Buffer): boolean {
  if (end - start < prefix.length) return false;
  for (let index = 0; index < prefix.length; index++) if (bytes[start + index] !== prefix[index]) return false;
  return true;
}

export function isNull(bytes: Buffer, span: JsonSpan): boolean {
  return bytes[span.start] === LOWER_N;
}

/**
 * The last `finish_reason` in a span that is a word. A plain search is exact: inside a JSON string the same bytes would
 * have a backslash before the closing quote.
 */
export function findFinishReason(bytes: Buffer, { start, end }: JsonSpan): string | undefined {
  let word: string | undefined;
  let at = bytes.indexOf(FINISH_REASON, start);
  while (at !== -1 && at < end) {
    const value = valueAfterKey(bytes, at + FINISH_REASON.length, end);
    if (bytes[value] === QUOTE) {
      word = readJsonString(bytes, { start: value, end: skipString(bytes, value, end) }) || word;
    }
    at = bytes.indexOf(FINISH_REASON, value);
  }
  return word;
}

/** UTF-8 bytes of what the model wrote in the deltas of a span: the string values of the members named above. */
export function countGenerated(bytes: Buffer, { start, end }: JsonSpan): number {
  let total = 0;
  let position = bytes.indexOf(DELTA, start);
  if (position === -1) return 0;
  position += DELTA.length;
  for (;;) {
    position = bytes.indexOf(QUOTE, position);
    if (position === -1 || position >= end) return total;
    const close = skipString(bytes, position, end);
    const value = valueAfterKey(bytes, close, end);
    if (value !== close && bytes[value] === QUOTE && isGenerated(bytes, position + 1, close - 1)) {
      const valueEnd = skipString(bytes, value, end);
      total += generatedBytes(bytes, value, valueEnd);
      position = valueEnd;
    } else {
      position = close;
    }
  }
}

function isGenerated(bytes: Buffer, start: number, end: number): boolean {
  return GENERATED.some((name) => name.length === end - start && startsWith(bytes, start, end, name));
}

function generatedBytes(bytes: Buffer, start: number, end: number): number {
  const backslash = bytes.indexOf(BACKSLASH, start);
  if (backslash === -1 || backslash >= end) return end - start - 2;
  const text = readJsonString(bytes, { start, end });
  return text === undefined ? end - start - 2 : Buffer.byteLength(text);
}

/** Offset of the value after a key that ends at `keyEnd`; `keyEnd` itself where no colon follows. */
function valueAfterKey(bytes: Buffer, keyEnd: number, end: number): number {
  let position = skipSpace(bytes, keyEnd, end);
  if (bytes[position] !== COLON) return keyEnd;
  position = skipSpace(bytes, position + 1, end);
  return position;
}

function skipSpace(bytes: Buffer, position: number, end: number): number {
  while (position < end && (bytes[position] === SPACE || bytes[position] === LF || bytes[position] === CR))
    position += 1;
  return position;
}

/** `position` is at the opening quote. Returns the offset after the closing one; the structure was checked before. */
function skipString(bytes: Buffer, position: number, end: number): number {
  for (let close = bytes.indexOf(QUOTE, position + 1); close !== -1 && close < end;) {
    let escapes = 0;
    while (bytes[close - 1 - escapes] === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return close + 1;
    close = bytes.indexOf(QUOTE, close + 1);
  }
  return end;
}
