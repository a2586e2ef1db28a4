import { crc32 } from 'node:zlib';

/**
 * What a record of a spool is. `segment`: who began the file, once and first. `intent`: a UsageIntent. `usage`: a
 * UsageRecordedV1. `stored`: an array of the request ids whose usage is stored elsewhere.
 */
export type FrameKind = 'segment' | 'intent' | 'usage' | 'stored';

/** A record is: payload bytes (4, little-endian), CRC-32 of kind and payload (4), kind (1), payload (JSON, UTF-8). */
export const FRAME_HEAD_BYTES = 9;
/** More than any record has; a length beyond it was never written. */
export const PAYLOAD_BYTES_MAX = 1024 * 1024;

const CODES: Readonly<Record<FrameKind, number>> = { segment: 1, intent: 2, usage: 3, stored: 4 };
const KINDS = new Map(Object.entries(CODES).map(([kind, code]) => [code, kind as FrameKind]));
/** Of its byte, which the payload's goes on from. */
const KIND_SUMS = Object.fromEntries(
  Object.entries(CODES).map(([kind, code]) => [kind, crc32(Buffer.of(code))]),
) as Readonly<Record<FrameKind, number>>;
const CRC_AT = 4;
const KIND_AT = 8;

export interface Frame {
  /** Undefined: of a later release. */
  kind: FrameKind | undefined;
  payload: Buffer;
}

export interface FramesRead {
  frames: Frame[];
  /** What was read; less than there is where a record is torn or corrupt, and nothing behind it can be trusted. */
  wholeBytes: number;
}

/** Writes one record at `offset`, where there must be room for it. `payload`: JSON. @returns its bytes. */
export function writeFrame(target: Buffer, offset: number, kind: FrameKind, payload: Buffer): number {
  target.writeUInt32LE(payload.length, offset);
  target.writeUInt32LE(crc32(payload, KIND_SUMS[kind]), offset + CRC_AT);
  target[offset + KIND_AT] = CODES[kind];
  target.set(payload, offset + FRAME_HEAD_BYTES);
  return FRAME_HEAD_BYTES + payload.length;
}

/** Never throws. The payloads share the memory of `bytes`. */
export function readFrames(bytes: Buffer): FramesRead {
  const frames: Frame[] = [];
  let offset = 0;
  while (offset + FRAME_HEAD_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(offset);
    const end = offset + FRAME_HEAD_BYTES + length;
    // Blocks that a crashed machine never wrote are zeros; no payload is empty.
    if (length === 0 || length > PAYLOAD_BYTES_MAX || end > bytes.length) break;
    const checked = bytes.subarray(offset + KIND_AT, end);
    if (crc32(checked) !== bytes.readUInt32LE(offset + CRC_AT)) break;
    frames.push({ kind: KINDS.get(bytes[offset + KIND_AT] ?? 0), payload: checked.subarray(1) });
    offset = end;
  }
  return { frames, wholeBytes: offset };
}
