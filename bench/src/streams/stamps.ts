/** Moments written into the text of streams: marks of one length that survive any cutting and joining of bytes. */

const opening = '@at:';
const digits = 16;
const markLength = opening.length + digits;

/** A mark for a moment of `nowMs()`, to the microsecond. */
export function stampOf(ms: number): string {
  return opening + ms.toFixed(3).padStart(digits, '0');
}

/** Reads the marks of one stream, wherever it was cut. */
export class StampReader {
  private held = '';

  constructor(private readonly onStamp: (ms: number) => void) {}

  push(bytes: Buffer): void {
    const text = this.held + bytes.toString('latin1');
    let from = 0;
    for (;;) {
      const at = text.indexOf(opening, from);
      if (at === -1 || at + markLength > text.length) {
        // What may be the beginning of a mark, and no more.
        this.held = text.slice(at === -1 ? Math.max(from, text.length - opening.length + 1) : at);
        return;
      }
      from = at + markLength;
      this.onStamp(Number(text.slice(at + opening.length, from)));
    }
  }
}
