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
