/** One dispatched server-sent event. `event` is undefined where the stream gave no `event:` line. */
export interface SseEvent {
  event: string | undefined;
  data: string;
}

/** One event grew past the bound: the peer is broken or hostile, and the stream cannot be read on. */
export class SseOverflowError extends Error {
  override readonly name = 'SseOverflowError';

  constructor(readonly maxEventBytes: number) {
    super(`A server-sent event is larger than ${maxEventBytes} bytes`);
  }
}

export const DEFAULT_MAX_EVENT_BYTES = 16 * 1024 * 1024;

const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;
const UTF8_BOM = [0xef, 0xbb, 0xbf] as const;

/**
 * Bytes to server-sent events, by the WHATWG algorithm: any split of the bytes (inside a UTF-8 sequence or a CRLF too)
 * gives the same events; LF, CR and CRLF end lines; comments, `id` and `retry` are ignored; an event without a `data`
 * line is not dispatched. Bad UTF-8 becomes U+FFFD, as the algorithm says.
 *
 * Created per stream. Holds at most one unfinished event, of at most `maxEventBytes` bytes.
 */
export class SseDecoder {
  /** Pieces of an unfinished line; joined once, when its end comes, so that many small reads stay linear. */
  private carry: Buffer[] = [];
  private carryBytes = 0;
  private eventBytes = 0;
  private event: string | undefined;
  private data: string | undefined;
  private skipLineFeed = false;
  private atStart = true;

  constructor(private readonly maxEventBytes = DEFAULT_MAX_EVENT_BYTES) {}

  /** True while part of an event is held: after the last byte it says that the stream was cut inside an event. */
  get hasPartial(): boolean {
    return this.carryBytes > 0 || this.data !== undefined || this.event !== undefined;
  }

  /** @throws SseOverflowError where one event exceeds the bound. */
  push(bytes: Buffer): SseEvent[] {
    const events: SseEvent[] = [];
    let start = 0;
    if (this.skipLineFeed && bytes.length > 0) {
      this.skipLineFeed = false;
      if (bytes[0] === LF) start = 1;
    }
    // Almost no stream has a CR: one search per read tells, and afterwards each line costs one search for LF.
    let carriageReturn = bytes.indexOf(CR, start);
    let lineFeed = bytes.indexOf(LF, start);
    while (carriageReturn !== -1 || lineFeed !== -1) {
      const endsWithCr = carriageReturn !== -1 && (lineFeed === -1 || carriageReturn < lineFeed);
      const end = endsWithCr ? carriageReturn : lineFeed;
      this.takeLine(bytes, start, end, events);
      start = end + 1;
      if (endsWithCr) {
        if (start === bytes.length) this.skipLineFeed = true;
        else if (bytes[start] === LF) start += 1;
        carriageReturn = bytes.indexOf(CR, start);
      }
      if (lineFeed !== -1 && lineFeed < start) lineFeed = bytes.indexOf(LF, start);
    }
    this.keep(bytes, start);
    return events;
  }

  /** The stream is over. An unterminated last event is not dispatched (see `hasPartial`). */
  end(): SseEvent[] {
    return [];
  }

  private keep(bytes: Buffer, start: number): void {
    if (start >= bytes.length) return;
    const rest = start === 0 ? bytes : bytes.subarray(start);
    this.carry.push(rest);
    this.carryBytes += rest.length;
    if (this.eventBytes + this.carryBytes > this.maxEventBytes) throw new SseOverflowError(this.maxEventBytes);
  }

  private takeLine(bytes: Buffer, start: number, end: number, events: SseEvent[]): void {
    if (this.carryBytes === 0 && !this.atStart) {
      this.readLine(bytes, start, end, events);
      return;
    }
    let line = bytes.subarray(start, end);
    if (this.carryBytes > 0) {
      this.carry.push(line);
      line = Buffer.concat(this.carry);
      this.carry = [];
      this.carryBytes = 0;
    }
    const lineStart = this.atStart && UTF8_BOM.every((byte, index) => line[index] === byte) ? UTF8_BOM.length : 0;
    this.atStart = false;
    this.readLine(line, lineStart, line.length, events);
  }

  private readLine(bytes: Buffer, start: number, end: number, events: SseEvent[]): void {
    if (start === end) {
      this.dispatch(events);
      return;
    }
    this.eventBytes += end - start;
    if (this.eventBytes > this.maxEventBytes) throw new SseOverflowError(this.maxEventBytes);
    if (isField(bytes, start, end, DATA_FIELD)) {
      const value = fieldValue(bytes, start + DATA_FIELD.length, end);
      this.data = this.data === undefined ? value : `${this.data}\n${value}`;
    } else if (isField(bytes, start, end, EVENT_FIELD)) {
      const value = fieldValue(bytes, start + EVENT_FIELD.length, end);
      this.event = value === '' ? undefined : value;
    } else if (bytes[start] === COLON && this.data === undefined && this.event === undefined) {
      // Comments between events (keepalives) must not add up to an overflow over a long, silent stream.
      this.eventBytes = 0;
    }
  }

  private dispatch(events: SseEvent[]): void {
    if (this.data !== undefined) events.push({ event: this.event, data: this.data });
    this.event = undefined;
    this.data = undefined;
    this.eventBytes = 0;
  }
}

const DATA_FIELD = Buffer.from('data');
const EVENT_FIELD = Buffer.from('event');

function isField(bytes: Buffer, start: number, end: number, name: Buffer): boolean {
  const nameEnd = start + name.length;
  if (nameEnd > end) return false;
  for (let index = 0; index < name.length; index++) if (bytes[start + index] !== name[index]) return false;
  return nameEnd === end || bytes[nameEnd] === COLON;
}

/** The text after the colon, without the one space that may follow it; empty where the line has no colon. */
function fieldValue(bytes: Buffer, colon: number, end: number): string {
  const start = bytes[colon + 1] === SPACE && colon + 1 < end ? colon + 2 : colon + 1;
  return start >= end ? '' : bytes.toString('utf8', start, end);
}
