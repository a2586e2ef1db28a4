import { DEFAULT_MAX_EVENT_BYTES, SseOverflowError } from './decoder';

/** Complete frames, back to back. Frame `i` is `bytes[ends[i - 1] ?? 0 .. ends[i])`, its blank line included. */
export interface SseFrameBatch {
  /** The very Buffer pushed where it held whole frames only. */
  bytes: Buffer;
  /** Empty while no frame is complete. */
  ends: number[];
}

const LF = 10;
const CR = 13;
const EMPTY = Buffer.alloc(0);

/**
 * Cuts SSE bytes at event boundaries without decoding them, for taps that forward bytes. One search per line; what
 * follows the last complete frame is held until its end comes, at most `maxFrameBytes`.
 *
 * A frame ended by CR CR is complete at the second CR; the LF of a CRLF split there leads the next frame, where it reads
 * as one more blank line. Created per stream.
 */
export class SseFrameScanner {
  private carry: Buffer[] = [];
  private carryBytes = 0;
  private lineIsEmpty = true;
  private skipLineFeed = false;

  constructor(private readonly maxFrameBytes = DEFAULT_MAX_EVENT_BYTES) {}

  /** True where no part of a frame is held. */
  get atFrameBoundary(): boolean {
    return this.carryBytes === 0;
  }

  /** As above, and what comes next begins a frame: no LF of a CRLF is to come. */
  get beginsFrame(): boolean {
    return this.carryBytes === 0 && !this.skipLineFeed;
  }

  /** @throws SseOverflowError where one frame exceeds the bound. */
  push(bytes: Buffer): SseFrameBatch {
    if (this.isOneFrame(bytes)) return { bytes, ends: [bytes.length] };
    const ends = this.findEnds(bytes);
    const last = ends[ends.length - 1];
    if (last === undefined) {
      this.hold(bytes);
      return { bytes: EMPTY, ends };
    }
    const complete = last === bytes.length ? bytes : bytes.subarray(0, last);
    const held = this.carryBytes;
    const joined = held === 0 ? complete : Buffer.concat([...this.carry, complete]);
    this.carry = [];
    this.carryBytes = 0;
    if (last < bytes.length) this.hold(bytes.subarray(last));
    if (held > 0) for (let index = 0; index < ends.length; index++) ends[index] = (ends[index] ?? 0) + held;
    return { bytes: joined, ends };
  }

  /** The unfinished frame, given up: the stream is over. */
  end(): Buffer {
    const rest = this.carryBytes === 0 ? EMPTY : Buffer.concat(this.carry);
    this.carry = [];
    this.carryBytes = 0;
    return rest;
  }

  /** How most reads of a stream are: begun and ended with one frame, its lines ended by LF. Half the searches tell. */
  private isOneFrame(bytes: Buffer): boolean {
    const last = bytes.length - 2;
    if (this.carryBytes > 0 || this.skipLineFeed || bytes[last] !== LF || bytes[last + 1] !== LF) return false;
    let lineFeed = bytes.indexOf(LF);
    if (lineFeed === 0) return false;
    while (lineFeed < last) {
      if (bytes[lineFeed + 1] === LF) return false;
      lineFeed = bytes.indexOf(LF, lineFeed + 1);
    }
    return bytes.length <= this.maxFrameBytes && !bytes.includes(CR);
  }

  private hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.carry.push(bytes);
    this.carryBytes += bytes.length;
    if (this.carryBytes > this.maxFrameBytes) throw new SseOverflowError(this.maxFrameBytes);
  }

  private findEnds(bytes: Buffer): number[] {
    const ends: number[] = [];
    let start = 0;
    if (this.skipLineFeed && bytes.length > 0) {
      this.skipLineFeed = false;
      if (bytes[0] === LF) start = 1;
    }
    let carriageReturn = bytes.indexOf(CR, start);
    let lineFeed = bytes.indexOf(LF, start);
    while (carriageReturn !== -1 || lineFeed !== -1) {
      const endsWithCr = carriageReturn !== -1 && (lineFeed === -1 || carriageReturn < lineFeed);
      const lineEnd = endsWithCr ? carriageReturn : lineFeed;
      const blank = this.lineIsEmpty && lineEnd === start;
      start = lineEnd + 1;
      if (endsWithCr) {
        if (start === bytes.length) this.skipLineFeed = true;
        else if (bytes[start] === LF) start += 1;
        carriageReturn = bytes.indexOf(CR, start);
      }
      if (lineFeed !== -1 && lineFeed < start) lineFeed = bytes.indexOf(LF, start);
      this.lineIsEmpty = true;
      if (blank) ends.push(start);
    }
    if (start < bytes.length) this.lineIsEmpty = false;
    return ends;
  }
}
