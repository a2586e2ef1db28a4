import { JsonScanner } from '../../json-scan';
import type { JsonSpan } from '../../json-span';
import { readJsonString } from '../../json-span';

/** The members of a chunk or reply that a tap looks at. One scan finds them all and checks the structure. */
export const FRAME_SCANNER = new JsonScanner(['model', 'usage', 'choices', 'error', 'object']);

const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const COLON = 58;
const BACKSLASH = 92;
const ZERO = 48;
const NINE = 57;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const LOWER_N = 110;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const DATA_FIELD = Buffer.from('data:');
const FINISH_REASON = Buffer.from('finish_reason');
const INDEX = Buffer.from('index');
const TOOL_CALLS = Buffer.from('tool_calls');
/** Levels open inside a choice: the array and the choice itself. */
const CHOICE_DEPTH = 2;

/** Members of a delta that hold what the model wrote. */
export const GENERATED: readonly Buffer[] = [
  'content',
  'arguments',
  'reasoning_content',
  'reasoning',
  'refusal',
  'input',
].map((name) => Buffer.from(name));

/** The value of a frame's only line, where that line is `data:`; undefined: the frame takes a real decoder. */
export function soleDataLine(bytes: Buffer, start: number, end: number): JsonSpan | undefined {
  if (!startsWith(bytes, start, end, DATA_FIELD)) return undefined;
  let lineEnd = end;
  while (lineEnd > start && (bytes[lineEnd - 1] === LF || bytes[lineEnd - 1] === CR)) lineEnd -= 1;
  // By a loop: a search would run past the frame to the end of the read wherever there is no CR.
  for (let index = start; index < lineEnd; index++) if (bytes[index] === LF || bytes[index] === CR) return undefined;
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

export function isEmptyArray(bytes: Buffer, { start, end }: JsonSpan): boolean {
  return bytes[start] === OPEN_BRACKET && skipSpace(bytes, start + 1, end) === end - 1;
}

export interface ChoicesReading {
  /** The last one that is a word; undefined while all are null. */
  finishReason: string | undefined;
  /** UTF-8 bytes of what the model wrote. */
  generatedBytes: number;
  /** The only text the model wrote here, quotes included; undefined where there is none or several. */
  text: JsonSpan | undefined;
  /** Tool calls, or pieces of them. */
  hasCalls: boolean;
}

/** Told of each choice; one without an index is the first. */
export interface ChoiceWatcher {
  sawChoice(index: number, isFinished: boolean): void;
}

/** One walk over the strings of a `choices` value whose structure was checked before. `names`: of its texts. */
export function readChoices(bytes: Buffer, span: JsonSpan, watcher?: ChoiceWatcher, names = GENERATED): ChoicesReading {
  const { start, end } = span;
  const reading: ChoicesReading = { finishReason: undefined, generatedBytes: 0, text: undefined, hasCalls: false };
  let texts = 0;
  let depth = 0;
  let index = 0;
  let isFinished = false;
  for (let position = start; position < end;) {
    const byte = bytes[position];
    if (byte !== QUOTE) {
      depth += nesting(byte);
      if (byte === CLOSE_BRACE && depth === CHOICE_DEPTH - 1) {
        watcher?.sawChoice(index, isFinished);
        index = 0;
        isFinished = false;
      }
      position += 1;
      continue;
    }
    const keyEnd = stringEnd(bytes, position, end);
    const colon = skipSpace(bytes, keyEnd, end);
    if (bytes[colon] !== COLON) {
      position = keyEnd;
      continue;
    }
    const value = skipSpace(bytes, colon + 1, end);
    if (bytes[value] !== QUOTE) {
      if (depth === CHOICE_DEPTH && isKey(bytes, position + 1, keyEnd - 1, INDEX))
        index = readDigits(bytes, value, end);
      else if (isKey(bytes, position + 1, keyEnd - 1, TOOL_CALLS)) reading.hasCalls ||= isFilled(bytes, value, end);
      position = value;
      continue;
    }
    const valueEnd = stringEnd(bytes, value, end);
    if (isOneOf(names, bytes, position + 1, keyEnd - 1)) {
      const text = { start: value, end: valueEnd };
      reading.generatedBytes += textBytes(bytes, text);
      texts += 1;
      reading.text = texts === 1 ? text : undefined;
    } else if (isKey(bytes, position + 1, keyEnd - 1, FINISH_REASON)) {
      reading.finishReason = readJsonString(bytes, { start: value, end: valueEnd }) || reading.finishReason;
      isFinished ||= valueEnd - value > 2;
    }
    position = valueEnd;
  }
  return reading;
}

/** Neither null nor an empty list. */
function isFilled(bytes: Buffer, position: number, end: number): boolean {
  return bytes[position] !== LOWER_N && bytes[skipSpace(bytes, position + 1, end)] !== CLOSE_BRACKET;
}

/** Levels that a byte outside a string opens. */
function nesting(byte: number | undefined): number {
  if (byte === OPEN_BRACE || byte === OPEN_BRACKET) return 1;
  return byte === CLOSE_BRACE || byte === CLOSE_BRACKET ? -1 : 0;
}

function isOneOf(names: readonly Buffer[], bytes: Buffer, start: number, end: number): boolean {
  for (const name of names) if (isKey(bytes, start, end, name)) return true;
  return false;
}

function isKey(bytes: Buffer, start: number, end: number, name: Buffer): boolean {
  return end - start === name.length && startsWith(bytes, start, end, name);
}

function readDigits(bytes: Buffer, position: number, end: number): number {
  let number = 0;
  for (; position < end; position++) {
    const byte = bytes[position] ?? 0;
    if (byte < ZERO || byte > NINE) break;
    number = number * 10 + byte - ZERO;
  }
  return number;
}

function textBytes(bytes: Buffer, { start, end }: JsonSpan): number {
  for (let index = start; index < end; index++) {
    if (bytes[index] === BACKSLASH) return Buffer.byteLength(readJsonString(bytes, { start, end }) ?? '');
  }
  return end - start - 2;
}

function skipSpace(bytes: Buffer, position: number, end: number): number {
  while (position < end && (bytes[position] === SPACE || bytes[position] === LF || bytes[position] === CR))
    position += 1;
  return position;
}

/** `position` is at the opening quote. Returns the offset after the closing one. */
function stringEnd(bytes: Buffer, position: number, end: number): number {
  for (let index = position + 1; index < end; index++) {
    const byte = bytes[index];
    if (byte === QUOTE) return index + 1;
    if (byte === BACKSLASH) index += 1;
  }
  return end;
}
