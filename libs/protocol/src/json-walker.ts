export type JsonScanFault = 'not-an-object' | 'syntax' | 'depth';

const QUOTE = 34;
const PLUS = 43;
const COMMA = 44;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const LOWER_A = 97;
const LOWER_B = 98;
const LOWER_E = 101;
const LOWER_I = 105;
const LOWER_M = 109;
const LOWER_S = 115;
const LOWER_U = 117;
const OPEN_BRACE = 123;
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');
const NO_BYTES = Buffer.alloc(0);
/** Below this many bytes a loop beats the call to `indexOf`; measured, flat between 24 and 64. */
const SHORT_STRING_BYTES = 32;

/** What a walk notices of strings in passing, names included: a search afterwards takes as long again. */
export interface StringMarks {
  /** Some string begins as our envelopes do (`sbsig.`, `sbsum.`). */
  mayHoldEnvelope: boolean;
  /** Some string begins as names of images do (`image`, `image_url`), as it stands there. */
  mayHoldImages: boolean;
  /** Some string has a character by its number (`\u0069mage`) where a name may be: it may be another than it seems. */
  mayHideNames: boolean;
}

/**
 * Walks over JSON values in a Buffer and checks their structure, making no JavaScript value. Every method returns the
 * offset after what it walked over, or -1 with `fault` and `faultOffset` set. Reused from body to body.
 */
export class JsonWalker implements StringMarks {
  body: Buffer = NO_BYTES;
  end = 0;
  fault: JsonScanFault = 'syntax';
  faultOffset = 0;
  mayHoldEnvelope = false;
  mayHoldImages = false;
  mayHideNames = false;
  private readonly stack: Uint8Array;

  constructor(readonly maxDepth: number) {
    this.stack = new Uint8Array(maxDepth + 1);
  }

  open(body: Buffer, end: number): void {
    this.body = body;
    this.end = end;
    this.fault = 'syntax';
    this.faultOffset = 0;
    this.mayHoldEnvelope = false;
    this.mayHoldImages = false;
    this.mayHideNames = false;
  }

  /** Lets go of the body, so that a walker kept for reuse does not keep a prompt in memory. */
  close(): void {
    this.body = NO_BYTES;
  }

  /** `position` is at the value's first byte. Returns the offset after the value, or -1. */
  skipValue(position: number, depth: number): number {
    if (position >= this.end) return this.fail(position);
    const byte = this.body[position];
    if (byte === QUOTE) return this.skipString(position + 1);
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) return this.skipContainer(position, depth);
    return this.skipScalar(position);
  }

  /** One loop and a byte per level instead of recursion: hostile nesting costs no call stack. */
  private skipContainer(position: number, outerDepth: number): number {
    const { body, stack, end } = this;
    let depth = outerDepth;
    for (;;) {
      // Here a value begins.
      const byte = position < end ? body[position] : undefined;
      if (byte === QUOTE) position = this.skipString(position + 1);
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (++depth > this.maxDepth) return this.fail(position, 'depth');
        stack[depth] = byte;
        const inner = this.skipSpace(position + 1);
        if (inner < end && body[inner] === byte + 2) {
          depth -= 1;
          position = inner + 1;
        } else {
          position = byte === OPEN_BRACE ? this.skipKey(inner) : inner;
          if (position === -1) return -1;
          continue;
        }
      } else position = this.skipScalar(position);
      if (position === -1) return -1;
      // Here a value has ended: close what closes, then take the comma.
      for (;;) {
        if (depth === outerDepth) return position;
        position = this.skipSpace(position);
        if (position >= end) return this.fail(position);
        if (body[position] === COMMA) break;
        // '{' and '}', '[' and ']' are two apart.
        if (body[position] !== (stack[depth] ?? 0) + 2) return this.fail(position);
        depth -= 1;
        position += 1;
      }
      position = this.skipSpace(position + 1);
      if (stack[depth] === OPEN_BRACE) position = this.skipKey(position);
      if (position === -1) return -1;
    }
  }

  /** From a key's quote to the first byte of its value. */
  private skipKey(position: number): number {
    if (position >= this.end || this.body[position] !== QUOTE) return this.fail(position);
    const keyEnd = this.skipString(position + 1);
    if (keyEnd === -1) return -1;
    const colon = this.skipSpace(keyEnd);
    if (colon >= this.end || this.body[colon] !== COLON) return this.fail(colon);
    return this.skipSpace(colon + 1);
  }

  /**
   * From the byte after the opening quote to the one after the closing quote. Short runs are looped over; long ones are
   * left to `indexOf`, which is some ten times faster per byte but costs a call, so text dense in `\"` stays in the loop.
   */
  skipString(position: number): number {
    const { body, end } = this;
    const first = position;
    const byte = body[position];
    if (byte === LOWER_S && body[position + 1] === LOWER_B && body[position + 2] === LOWER_S)
      this.mayHoldEnvelope = true;
    else if (byte === LOWER_I && body[position + 1] === LOWER_M && body[position + 2] === LOWER_A)
      this.mayHoldImages = true;
    for (;;) {
      const loopEnd = Math.min(position + SHORT_STRING_BYTES, end);
      while (position < loopEnd) {
        const byte = body[position];
        if (byte === QUOTE) return position + 1;
        if (byte === BACKSLASH) {
          // No name is so long that its first such character is not in the loop.
          if (body[position + 1] === LOWER_U) this.mayHideNames = true;
          position += 2;
        } else position += 1;
      }
      if (position >= end) return this.fail(end);
      const quote = body.indexOf(QUOTE, position);
      if (quote === -1 || quote >= end) return this.fail(end);
      if (!isEscaped(body, quote, first)) return quote + 1;
      position = quote + 1;
    }
  }

  private skipScalar(position: number): number {
    const { body } = this;
    switch (body[position]) {
      case 0x74:
        return this.skipLiteral(position, TRUE);
      case 0x66:
        return this.skipLiteral(position, FALSE);
      case 0x6e:
        return this.skipLiteral(position, NULL);
      default:
        return this.skipNumber(position);
    }
  }

  private skipLiteral(position: number, literal: Buffer): number {
    const end = position + literal.length;
    if (end > this.end || this.body.compare(literal, 0, literal.length, position, end) !== 0)
      return this.fail(position);
    return end;
  }

  private skipNumber(start: number): number {
    const { body } = this;
    let position = body[start] === MINUS ? start + 1 : start;
    const integer = this.skipDigits(position);
    if (integer === position || (body[position] === ZERO && integer > position + 1)) return this.fail(position);
    position = integer;
    if (position < this.end && body[position] === POINT) {
      const fraction = this.skipDigits(position + 1);
      if (fraction === position + 1) return this.fail(fraction);
      position = fraction;
    }
    if (position < this.end && ((body[position] ?? 0) | 0x20) === LOWER_E) {
      const sign = body[position + 1];
      const digits = sign === PLUS || sign === MINUS ? position + 2 : position + 1;
      position = this.skipDigits(digits);
      if (position <= digits) return this.fail(position);
    }
    return position;
  }

  private skipDigits(position: number): number {
    const { body, end } = this;
    while (position < end) {
      const byte = body[position] ?? 0;
      if (byte < ZERO || byte > NINE) break;
      position += 1;
    }
    return position;
  }

  skipSpace(position: number): number {
    const { body, end } = this;
    while (position < end) {
      const byte = body[position];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
      position += 1;
    }
    return position;
  }

  fail(offset: number, fault: JsonScanFault = 'syntax'): -1 {
    this.fault = fault;
    this.faultOffset = Math.min(offset, this.end);
    return -1;
  }
}

function isEscaped(body: Buffer, quote: number, first: number): boolean {
  let before = quote - 1;
  while (before >= first && body[before] === BACKSLASH) before -= 1;
  return (quote - before) % 2 === 0;
}
