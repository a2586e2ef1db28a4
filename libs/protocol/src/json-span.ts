import type { JsonValue } from './json';

/** Byte offsets in a Buffer: `start` is the value's first byte, `end` one past its last. */
export interface JsonSpan {
  start: number;
  end: number;
}

export interface ByteEdit extends JsonSpan {
  replacement: string | Buffer;
}

/**
 * The body with some spans replaced; `edits` in order, not overlapping. No edits: the same Buffer object. Copies into one
 * allocation: slices and a concat of them take twice as long at 1 KB.
 */
export function spliceBytes(body: Buffer, edits: readonly ByteEdit[]): Buffer {
  if (edits.length === 0) return body;
  const spliced = Buffer.allocUnsafe(splicedLength(body, edits));
  let read = 0;
  let written = 0;
  for (const { start, end, replacement } of edits) {
    written += body.copy(spliced, written, read, start);
    written +=
      typeof replacement === 'string' ? spliced.write(replacement, written) : replacement.copy(spliced, written);
    read = end;
  }
  body.copy(spliced, written, read);
  return spliced;
}

function splicedLength(body: Buffer, edits: readonly ByteEdit[]): number {
  let length = body.length;
  let position = 0;
  for (const { start, end, replacement } of edits) {
    if (start < position || end < start || end > body.length) throw new RangeError('edits overlap or are out of order');
    length += Buffer.byteLength(replacement) - (end - start);
    position = end;
  }
  return length;
}

const QUOTE = 34;

const BACKSLASH = 92;
const COMMA = 44;

/** The edit that takes a member out of the object it stands in, with one of its commas; `value`: the span of its value. */
export function removeMember(body: Buffer, value: JsonSpan): ByteEdit {
  const start = nameStart(body, value.start);
  const after = skipSpace(body, value.end, 1);
  if (body[after] === COMMA) return { start, end: after + 1, replacement: '' };
  const before = skipSpace(body, start - 1, -1);
  return { start: body[before] === COMMA ? before : start, end: value.end, replacement: '' };
}

/** Of the member whose value begins at `valueStart`: before it stand a colon and a string. */
function nameStart(body: Buffer, valueStart: number): number {
  let quote = body.lastIndexOf(QUOTE, body.lastIndexOf(QUOTE, valueStart - 1) - 1);
  while (isEscaped(body, quote)) quote = body.lastIndexOf(QUOTE, quote - 1);
  return quote;
}

function isEscaped(body: Buffer, position: number): boolean {
  let backslashes = 0;
  while (body[position - 1 - backslashes] === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}

function skipSpace(body: Buffer, from: number, step: 1 | -1): number {
  let position = from;
  for (
    let byte = body[position];
    byte === 32 || (byte !== undefined && byte >= 9 && byte <= 13);
    byte = body[position]
  ) {
    position += step;
  }
  return position;
}

/** The string at a span, or undefined where the value is no string or its escapes are bad. */
export function readJsonString(body: Buffer, { start, end }: JsonSpan): string | undefined {
  if (body[start] !== QUOTE) return undefined;
  const text = body.toString('utf8', start, end);
  if (!text.includes('\\') && !CONTROL_CHARACTER.test(text)) return text.slice(1, -1);
  const value = readJsonValue(body, { start, end });
  return typeof value === 'string' ? value : undefined;
}

/** The value at a span, or undefined where JSON.parse refuses it. */
export function readJsonValue(body: Buffer, { start, end }: JsonSpan): JsonValue | undefined {
  try {
    return JSON.parse(body.toString('utf8', start, end)) as JsonValue;
  } catch {
    // The only error here is a SyntaxError, and "no value" says all of it.
    return undefined;
  }
}

// Built from codes: control characters in a literal are unreadable.
const CONTROL_CHARACTER = new RegExp(`[${String.fromCharCode(0)}-${String.fromCharCode(31)}]`);
