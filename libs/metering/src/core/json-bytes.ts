const SLAB_BYTES = 64 * 1024;
/** A value begins where so much is left, and texts leave a quarter of it to names and numbers. */
const ROOM_BYTES = 4 * 1024;
const RESERVE_BYTES = ROOM_BYTES / 4;

const QUOTE = 34;
const POINT = 46;
const ZERO = 48;
const BACKSLASH = 92;
const DELETE = 127;
const MILLION = 1_000_000;

/** What stands before a value, comma and name included, in bytes. */
export type Label = Uint8Array;

/** Of a text: its opening quote is part of it. */
export function textLabel(before: string): Label {
  return Buffer.from(`${before}"`);
}

export function label(before: string): Label {
  return Buffer.from(before);
}

/**
 * Writes JSON as bytes, for what every call writes: JSON.stringify makes a text that is made into bytes again, and then
 * collected (8 µs of a call of 100; this takes 4). What is unusual (a text that is not ASCII, or long) it leaves to
 * JSON.stringify: then `end` gives nothing.
 */
export class JsonBytes {
  private slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  private start = 0;
  private at = 0;
  private usual = true;

  begin(): void {
    // What was written lives as long as whoever holds it, and with it its slab.
    if (this.slab.length - this.at < ROOM_BYTES) {
      this.slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.at = 0;
    }
    this.start = this.at;
    this.usual = true;
  }

  /** What was written since `begin`; undefined where it takes JSON.stringify. */
  end(): Buffer | undefined {
    if (this.usual) return this.slab.subarray(this.start, this.at);
    this.at = this.start;
    return undefined;
  }

  raw(bytes: Label): void {
    const { slab } = this;
    let { at } = this;
    for (let index = 0; index < bytes.length; index++) slab[at++] = bytes[index] as number;
    this.at = at;
  }

  text(before: Label, value: string): void {
    if (!this.usual) return;
    this.raw(before);
    const { slab } = this;
    let { at } = this;
    // Every character may take an escape.
    if (at + 2 * value.length + RESERVE_BYTES > slab.length) {
      this.usual = false;
      return;
    }
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code < 32 || code >= DELETE) {
        this.usual = false;
        return;
      }
      if (code === QUOTE || code === BACKSLASH) slab[at++] = BACKSLASH;
      slab[at++] = code;
    }
    slab[at++] = QUOTE;
    this.at = at;
  }

  flag(before: Label, value: boolean): void {
    this.raw(before);
    this.raw(value ? TRUE : FALSE);
  }

  /** As JSON.stringify writes it. */
  number(before: Label, value: number): void {
    this.raw(before);
    if (Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) return this.integer(value);
    const thousandths = Math.round(value * 1_000);
    if (Number.isSafeInteger(thousandths) && thousandths > 0 && thousandths / 1_000 === value)
      return this.thousandths(thousandths);
    this.raw(Buffer.from(JSON.stringify(value)));
  }

  private integer(value: number): void {
    if (value < MILLION) return this.digits(value, 1);
    // Division of small integers takes a fraction of that of large ones.
    const millions = Math.floor(value / MILLION);
    this.integer(millions);
    this.digits(value - millions * MILLION, 6);
  }

  private thousandths(value: number): void {
    const whole = Math.floor(value / 1_000);
    this.integer(whole);
    let rest = value - whole * 1_000;
    let places = 3;
    while (rest % 10 === 0) {
      rest /= 10;
      places -= 1;
    }
    this.slab[this.at++] = POINT;
    this.digits(rest, places);
  }

  /** `value`: less than a million. */
  private digits(value: number, least: number): void {
    let places = least;
    while (places < 6 && value >= (POWERS[places] as number)) places++;
    let rest = value | 0;
    for (let index = places - 1; index >= 0; index--) {
      const next = (rest / 10) | 0;
      this.slab[this.at + index] = ZERO + rest - next * 10;
      rest = next;
    }
    this.at += places;
  }
}

const TRUE = label('true');
const FALSE = label('false');
const POWERS = [1, 10, 100, 1_000, 10_000, 100_000, MILLION];
