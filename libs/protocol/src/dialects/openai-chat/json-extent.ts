const QUOTE = 34;
const BACKSLASH = 92;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/** Tells when pieces of text have added up to one whole JSON object or array. Created per tool call. */
export class JsonExtent {
  private depth = 0;
  private inString = false;
  private escaped = false;
  private closed = false;

  /** Every bracket that was opened is closed. Texts that begin otherwise are never complete. */
  get isComplete(): boolean {
    return this.closed;
  }

  push(text: string): void {
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (this.escaped) this.escaped = false;
      else if (this.inString) {
        if (unit === BACKSLASH) this.escaped = true;
        else if (unit === QUOTE) this.inString = false;
      } else if (unit === QUOTE) this.inString = true;
      else if (unit === OPEN_BRACE || unit === OPEN_BRACKET) this.depth += 1;
      else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) {
        this.depth -= 1;
        if (this.depth === 0) this.closed = true;
      }
    }
  }
}
