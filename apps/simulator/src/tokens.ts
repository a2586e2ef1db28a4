import { isObject } from './json';

/** What one request used. `input` excludes the cache figures; `output` includes `reasoning`. */
export interface TokenUsage {
  input: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  output: number;
  reasoning: number;
}

export const NO_USAGE: Readonly<TokenUsage> = {
  input: 0,
  cacheRead: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  output: 0,
  reasoning: 0,
};

const BYTES_PER_TOKEN = 4;
const TOKENS_PER_IMAGE = 258;
const IMAGE_TYPES: readonly unknown[] = ['image', 'image_url', 'input_image'];

/** The simulator's tokenizer: one token per four UTF-8 bytes, rounded up. */
export function tokensOfBytes(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}

export function bytesOfTokens(tokens: number): number {
  return tokens * BYTES_PER_TOKEN;
}

/** Input tokens of wire values: every string in them by its bytes, every image a fixed figure. */
export function inputTokens(...values: unknown[]): number {
  const tally = { bytes: 0, images: 0 };
  for (const value of values) weigh(value, tally);
  return Math.max(1, tokensOfBytes(tally.bytes) + tally.images * TOKENS_PER_IMAGE);
}

function weigh(value: unknown, tally: { bytes: number; images: number }): void {
  if (typeof value === 'string') {
    tally.bytes += Buffer.byteLength(value);
  } else if (Array.isArray(value)) {
    for (const item of value) weigh(item, tally);
  } else if (isObject(value)) {
    if (IMAGE_TYPES.includes(value['type'])) {
      tally.images += 1;
      return;
    }
    for (const key in value) weigh(value[key], tally);
  }
}

/** Cuts text at a UTF-8 byte budget, never inside a character. */
export function cutToBytes(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= bytesMax) return text;
  let end = Math.max(0, bytesMax);
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end).toString();
}

/** Cuts text into at most `pieces` parts of equal length (in UTF-16 units), or into parts of `size`; surrogate pairs stay whole. */
export function cutToPieces(text: string, by: { pieces: number } | { size: number }): string[] {
  const size = 'size' in by ? by.size : Math.max(1, text.length / by.pieces);
  const parts: string[] = [];
  for (let start = 0, cut = 1; start < text.length; cut += 1) {
    let end = Math.min(text.length, Math.max(start + 1, Math.round(cut * size)));
    if (isHighSurrogate(text.charCodeAt(end - 1)) && end < text.length) end += 1;
    parts.push(text.slice(start, end));
    start = end;
  }
  return parts;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
