const QUOTE = 34;
const BACKSLASH = 92;

const ESCAPED: ReadonlyMap<string, string> = new Map([
  ...['"', '\\', '/'].map((char) => [char, char] as const),
  ...Object.entries({ b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }),
]);

/**
 * Decodes one JSON string that comes in pieces, cut anywhere. As lenient as models are careless: raw line feeds and escapes
 * that JSON does not know are text. Created per string, behind its opening quote.
 */
export class JsonStringReader {
  /** What the last push decoded. */
  piece = '';
  /** The closing quote was read. */
  closed = false;
  /** Read of an escape so far, from its backslash on. */
  private escape = '';
  /** First half of a surrogate pair whose second has not come yet: no piece ends inside a character. */
  private high = '';

  /** @returns where reading ended: behind the closing quote, or at the end of `text` */
  push(text: string, from: number): number {
    let decoded = this.high;
    let at = from;
    while (at < text.length && !this.closed) {
      if (this.escape !== '') {
        const char = text[at] ?? '';
        const whole = this.unescape(char);
        if (whole === undefined) {
          // No escape after all: what was taken for one is text, and this character is read anew.
          decoded += this.escape;
          this.escape = '';
          continue;
        }
        decoded += whole;
        at += 1;
        continue;
      }
      const end = plainEnd(text, at);
      decoded += text.slice(at, end);
      at = end;
      if (at === text.length) break;
      if (text.charCodeAt(at) === QUOTE) this.closed = true;
      else this.escape = '\\';
      at += 1;
    }
    this.keep(decoded);
    return at;
  }

  /** Undefined where the character does not go on with the escape. */
  private unescape(char: string): string | undefined {
    if (this.escape === '\\') {
      if (char === 'u') {
        this.escape = '\\u';
        return '';
      }
      const meant = ESCAPED.get(char);
      if (meant !== undefined) this.escape = '';
      return meant;
    }
    if (!/[0-9a-fA-F]/.test(char)) return undefined;
    this.escape += char;
    if (this.escape.length < 6) return '';
    const unit = String.fromCharCode(parseInt(this.escape.slice(2), 16));
    this.escape = '';
    return unit;
  }

  private keep(decoded: string): void {
    const last = decoded.charCodeAt(decoded.length - 1);
    const isHalf = !this.closed && last >= 0xd800 && last <= 0xdbff;
    this.high = isHalf ? decoded.slice(-1) : '';
    this.piece = isHalf ? decoded.slice(0, -1) : decoded;
  }
}

function plainEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE || unit === BACKSLASH) return at;
  }
  return text.length;
}
