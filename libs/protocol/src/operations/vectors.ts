import { isJsonObject, type JsonValue } from '../json';

/** How a vector is written: as JSON numbers, or as base64 of 32-bit floats, little-endian. */
export type VectorFormat = 'float' | 'base64';

const FLOAT_BYTES = 4;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

const QUOTE = 34;
const COLON = 58;
const OPEN_BRACKET = 91;
const MEMBER = Buffer.from('"embedding"');

/**
 * The form of the first vector in the `data` of a reply, read from the bytes: of a reply of many megabytes nothing need be
 * parsed where it is the one that was asked for. Undefined: there is none.
 */
export function vectorFormatOf(body: Buffer, start: number, end: number): VectorFormat | undefined {
  for (let at = body.indexOf(MEMBER, start); at !== -1 && at < end; at = body.indexOf(MEMBER, at + 1)) {
    // `"object": "embedding"` is the same word as a value.
    const colon = skipSpace(body, at + MEMBER.length);
    if (body[colon] !== COLON) continue;
    switch (body[skipSpace(body, colon + 1)]) {
      case QUOTE:
        return 'base64';
      case OPEN_BRACKET:
        return 'float';
      default:
        return undefined;
    }
  }
  return undefined;
}

/** The `data` of a reply with every vector in the form that was asked for; undefined: one of them is no vector. */
export function convertVectors(data: JsonValue | undefined, format: VectorFormat): JsonValue | undefined {
  if (!Array.isArray(data)) return undefined;
  const converted: JsonValue[] = [];
  for (const entry of data) {
    if (!isJsonObject(entry)) return undefined;
    const { embedding } = entry;
    const vector = Array.isArray(embedding) ? embedding : decodeVector(embedding);
    if (vector === undefined || !isVector(vector)) return undefined;
    converted.push({ ...entry, embedding: format === 'float' ? vector : encodeVector(vector) });
  }
  return converted;
}

function isVector(values: readonly JsonValue[]): values is number[] {
  return values.every((value) => typeof value === 'number');
}

function encodeVector(values: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(values.length * FLOAT_BYTES);
  values.forEach((value, index) => bytes.writeFloatLE(value, index * FLOAT_BYTES));
  return bytes.toString('base64');
}

function decodeVector(text: JsonValue | undefined): number[] | undefined {
  if (typeof text !== 'string' || !BASE64.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length % FLOAT_BYTES !== 0) return undefined;
  const values: number[] = [];
  for (let offset = 0; offset < bytes.length; offset += FLOAT_BYTES) values.push(bytes.readFloatLE(offset));
  // JSON has no word for the rest.
  return values.every(Number.isFinite) ? values : undefined;
}

function skipSpace(body: Buffer, position: number): number {
  for (let byte = body[position]; byte === 32 || (byte !== undefined && byte >= 9 && byte <= 13);) {
    byte = body[++position];
  }
  return position;
}
