import type { JsonSpan } from '../../json-span';

const SPACE = 32;
const QUOTE = 34;
const BACKSLASH = 92;

/** So many templates in a row without a use mean that the upstream's chunks differ (OpenAI's `obfuscation`): give up. */
const UNUSED_MAX = 8;

/**
 * The chunks of a stream differ in little but the text they bring. A chunk that was read in full becomes a template: all
 * before its text and all after it. A later frame of the same bytes around a string without quotes, control characters or
 * escapes but the two-byte ones (`\n`) is known to be well formed and to say nothing else, without being read.
 *
 * Measured on one EPYC core, Node 20, 280-byte chunks: 0.2 µs per chunk against 1.5 µs for the scan. Created per stream.
 */
export class ChunkTemplate {
  private head: Buffer | undefined;
  private tail: Buffer | undefined;
  private unused = 0;
  /** Place of the model's name from the frame's start; undefined: nothing to put there. */
  model: JsonSpan | undefined;

  /** @param text the only text of the frame, quotes included; the rest of the frame must have nothing to say */
  learn(bytes: Buffer, frame: JsonSpan, text: JsonSpan, model: JsonSpan | undefined): void {
    // Behind the text the model's name would move with the text's length.
    if (this.unused === UNUSED_MAX || (model && model.start > text.start)) return;
    this.unused += 1;
    this.head = Buffer.from(bytes.subarray(frame.start, text.start + 1));
    this.tail = Buffer.from(bytes.subarray(text.end - 1, frame.end));
    this.model = model && { start: model.start - frame.start, end: model.end - frame.start };
  }

  /** Bytes of text in the frame, or -1 where it is not of this template. */
  match(bytes: Buffer, start: number, end: number): number {
    const { head, tail } = this;
    if (!head || !tail) return -1;
    const textStart = start + head.length;
    const textEnd = end - tail.length;
    if (textEnd < textStart) return -1;
    let escapes = 0;
    for (let index = textStart; index < textEnd; index++) {
      const byte = bytes[index] ?? QUOTE;
      if (byte === QUOTE || byte < SPACE) return -1;
      if (byte !== BACKSLASH) continue;
      index += 1;
      // The last byte of a text is not what an escape needs: that would be the quote behind it.
      if (index === textEnd || !standsForOneByte(bytes[index])) return -1;
      escapes += 1;
    }
    if (bytes.compare(head, 0, head.length, start, textStart) !== 0) return -1;
    if (bytes.compare(tail, 0, tail.length, textEnd, end) !== 0) return -1;
    this.unused = 0;
    return textEnd - textStart - escapes;
  }
}

/** What stands for one byte behind a backslash; `\u` stands for as many as it likes. */
function standsForOneByte(byte: number | undefined): boolean {
  switch (byte) {
    case QUOTE:
    case BACKSLASH:
    case 47: // a slash
    case 98: // b
    case 102: // f
    case 110: // n
    case 114: // r
    case 116: // t
      return true;
    default:
      return false;
  }
}
