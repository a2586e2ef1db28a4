import { mkdirSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import type { UsageIntent, UsageRecordedV1 } from '@switchboard/contracts';
import { encodeRecord } from '../../core/usage-batch';
import { encodeIntent } from '../../core/usage-json';
import { FRAME_HEAD_BYTES, type FrameKind, PAYLOAD_BYTES_MAX, writeFrame } from '../core/frames';
import { SegmentFile } from './segment-file';

export interface SpoolLogOptions {
  /** Of this log alone; made here. */
  folder: string;
  /** Written into every segment, for people. */
  owner: object;
  /** Of all segments together, and of what `bytesElsewhere` tells. */
  bytesMax: number;
  bytesElsewhere: () => number;
  /** Of one segment, about. */
  segmentBytes: number;
  /** Called where the disk takes nothing, with why, and when it takes something again. */
  failed: (error: unknown) => void;
  worked: () => void;
  /** Told of records that had been taken and are not on disk after all. */
  lost: (records: number) => void;
}

/** Where a record is that still waits: a call for its usage, usage for being stored. */
interface Entry {
  segment: SegmentFile;
  offset: number;
  bytes: number;
  /** Usage that no memory holds. */
  left: boolean;
}

const TURN_BYTES = 2 * PAYLOAD_BYTES_MAX;
const SYNC_INTERVAL_MS = 100;
const RETRY_MS = 1_000;
/** Of the bound: the rest is for the usage of calls that began before. */
const INTENTS_SHARE = 7 / 8;
/** What says `stored` frees room, and may exceed the bound by so much; the heads of a record and of its segment are less. */
const [STORED_RESERVE_BYTES, HEADS_BYTES] = [1024 * 1024, 512];
/** Before that, open records of old segments are not worth copying. */
const COMPACTED_FROM_SEGMENTS = 8;
/** An empty log lets go of a segment that has grown so large. */
const KEPT_EMPTY_BYTES = 64 * 1024;

/**
 * The spool of one process while it lives: appends, and forgets what is settled. The oldest segment goes first, so that no
 * record outlives what settled it; what is still open in it is copied forward once garbage has piled up behind.
 */
export class SpoolLog {
  private readonly entries = new Map<string, Entry>();
  private readonly segments: SegmentFile[] = [];
  private current: SegmentFile | undefined;
  private sequence = 0;
  /** Records of this turn of the event loop, which one write takes to the file. */
  private readonly turn = Buffer.allocUnsafeSlow(TURN_BYTES);
  private used = 0;
  private writtenBytes = 0;
  private flushing: NodeJS.Immediate | undefined;
  private waiting: (() => void)[] = [];
  private upkeepTimer: NodeJS.Timeout | undefined;
  private upkeep: Promise<void> | undefined;
  private failing = false;
  private retryAtMs = 0;
  private closed = false;

  /** @throws as the file system does, where the folder cannot be made or written. */
  constructor(private readonly options: SpoolLogOptions) {
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    this.begin();
  }

  /** Of the files, and of what this turn adds to them. */
  get bytes(): number {
    return this.writtenBytes + this.used;
  }

  /** Records that still wait for something. */
  get open(): number {
    return this.entries.size;
  }

  /** The record is in the page cache after this turn of the event loop. False: the spool is full, or cannot be written. */
  intent(intent: UsageIntent): boolean {
    return this.append('intent', intent.requestId, encodeIntent(intent), this.options.bytesMax * INTENTS_SHARE);
  }

  /** As `intent`. */
  usage(event: UsageRecordedV1, json = encodeRecord(event)): boolean {
    return this.append('usage', event.requestId, json, this.options.bytesMax);
  }

  /** Calls back when what was appended before is written, or could not be. */
  afterTurn(written: () => void): void {
    this.waiting.push(written);
    this.flushSoon();
  }

  /** Forgets them. */
  stored(requestIds: readonly string[]): void {
    const known = requestIds.filter((requestId) => this.settle(requestId));
    if (known.length === 0) return;
    const most = this.options.bytesMax + STORED_RESERVE_BYTES;
    this.place('stored', Buffer.from(JSON.stringify(known)), most);
    // What nobody wrote down is done again after a crash, to no effect.
    this.tendSoon();
  }

  /** Usage in the spool that the memory had no room for. */
  leave(requestId: string): void {
    const entry = this.entries.get(requestId);
    if (entry !== undefined) entry.left = true;
  }

  /** Reads up to `most` of those, which memory then holds. */
  async takeLeft(most: number): Promise<Buffer[]> {
    this.flush();
    const taken: Promise<Buffer>[] = [];
    for (const entry of this.entries.values()) {
      if (taken.length === most) break;
      if (!entry.left) continue;
      entry.left = false;
      taken.push(entry.segment.read(entry.offset + FRAME_HEAD_BYTES, entry.bytes - FRAME_HEAD_BYTES));
    }
    return Promise.all(taken);
  }

  /** Writes what this turn holds. */
  flush(): void {
    const { current, used } = this;
    if (used === 0 || current === undefined) return;
    this.used = 0;
    try {
      current.append(this.turn.subarray(0, used));
      this.writtenBytes += used;
      this.failing = false;
      this.options.worked();
      this.tendSoon();
    } catch (error) {
      this.abandon(current, error);
    }
  }

  /** What still waits stays for the next process; where nothing does, nothing stays. */
  async close(): Promise<void> {
    this.flush();
    this.closed = true;
    clearTimeout(this.upkeepTimer);
    await this.upkeep;
    await Promise.all(this.segments.map((segment) => segment.sync().catch(this.options.failed)));
    for (const segment of this.segments) segment.close();
    if (this.entries.size === 0) await rm(this.options.folder, { recursive: true, force: true });
  }

  private append(kind: FrameKind, requestId: string, json: Buffer, bytesMost: number): boolean {
    const placed = this.place(kind, json, bytesMost);
    if (placed === undefined) return false;
    this.settle(requestId);
    this.enter(requestId, placed);
    return true;
  }

  /** Undefined: there is no room, or the disk takes nothing. */
  private place(kind: FrameKind, json: Buffer, bytesMost: number): Entry | undefined {
    if (this.closed || (this.failing && performance.now() < this.retryAtMs)) return undefined;
    if (json.length > PAYLOAD_BYTES_MAX) return undefined;
    if (this.bytes + this.options.bytesElsewhere() + json.length + HEADS_BYTES > bytesMost) return undefined;
    const segment = this.segmentWithRoom(json.length);
    if (segment === undefined) return undefined;
    if (this.used + FRAME_HEAD_BYTES + json.length > TURN_BYTES) this.flush();
    // That may have failed, and the segment with it.
    if (this.current !== segment) return undefined;
    const offset = segment.size + this.used;
    const bytes = writeFrame(this.turn, this.used, kind, json);
    this.used += bytes;
    this.flushSoon();
    return { segment, offset, bytes, left: false };
  }

  private enter(requestId: string, entry: Entry): void {
    this.entries.set(requestId, entry);
    entry.segment.openRecords++;
    entry.segment.openBytes += entry.bytes;
  }

  private settle(requestId: string): boolean {
    const entry = this.entries.get(requestId);
    if (entry === undefined) return false;
    this.entries.delete(requestId);
    entry.segment.openRecords--;
    entry.segment.openBytes -= entry.bytes;
    return true;
  }

  private segmentWithRoom(bytes: number): SegmentFile | undefined {
    const { current } = this;
    if (current !== undefined && current.size + this.used + bytes <= this.options.segmentBytes) return current;
    this.flush();
    try {
      return this.begin();
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  private begin(): SegmentFile {
    const segment = new SegmentFile(this.options.folder, ++this.sequence);
    this.segments.push(segment);
    this.current = segment;
    this.used = writeFrame(this.turn, 0, 'segment', Buffer.from(JSON.stringify(this.options.owner)));
    return segment;
  }

  private fail(error: unknown): void {
    this.failing = true;
    this.retryAtMs = performance.now() + RETRY_MS;
    this.options.failed(error);
  }

  /** Nothing may follow a torn record. What was not written is in memory only, as if there were no spool. */
  private abandon(segment: SegmentFile, error: unknown): void {
    this.current = undefined;
    const before = this.entries.size;
    for (const [requestId, entry] of this.entries) {
      if (entry.segment === segment && entry.offset >= segment.size) this.settle(requestId);
    }
    this.options.lost(before - this.entries.size);
    this.fail(error);
  }

  private flushSoon(): void {
    this.flushing ??= setImmediate(() => this.endTurn());
  }

  /**
   * One write for all records of a turn: on their own they took 3 µs each. It is the caller's call that waits, not the
   * event loop.
   */
  private endTurn(): void {
    this.flushing = undefined;
    this.flush();
    const { waiting } = this;
    this.waiting = [];
    for (const written of waiting) written();
  }

  private tendSoon(): void {
    if (this.closed || this.upkeep !== undefined || this.upkeepTimer !== undefined) return;
    this.upkeepTimer = setTimeout(() => {
      this.upkeepTimer = undefined;
      this.upkeep = this.tend()
        .catch(this.options.failed)
        .finally(() => {
          this.upkeep = undefined;
          if (this.segments.some(({ dirty }) => dirty)) this.tendSoon();
        });
    }, SYNC_INTERVAL_MS);
    this.upkeepTimer.unref();
  }

  /** Off the event loop. A segment goes only once what settled its records would survive a crash of the machine. */
  private async tend(): Promise<void> {
    this.flush();
    if (this.entries.size === 0 && (this.current?.size ?? 0) > KEPT_EMPTY_BYTES) this.current = undefined;
    const settled = this.takeSettled();
    await Promise.all(this.segments.map((segment) => segment.sync()));
    for (const segment of settled) await segment.remove();
    // Told from here on: until then the room is not there.
    for (const { size } of settled) this.writtenBytes -= size;
    if (this.segments.length > COMPACTED_FROM_SEGMENTS) await this.compact();
  }

  private takeSettled(): SegmentFile[] {
    let count = 0;
    while (this.segments[count]?.openRecords === 0 && this.segments[count] !== this.current) count++;
    return this.segments.splice(0, count);
  }

  /** A stream that lasts for hours must not keep all that came after it. */
  private async compact(): Promise<void> {
    const [oldest] = this.segments;
    const openBytes = this.segments.reduce((sum, segment) => sum + segment.openBytes, 0);
    if (oldest === undefined || oldest === this.current || openBytes > this.bytes / 2) return;
    const bytes = await readFile(oldest.path);
    for (const [requestId, entry] of this.entries) {
      if (entry.segment !== oldest) continue;
      const segment = this.segmentWithRoom(entry.bytes);
      if (segment === undefined) return;
      if (this.used + entry.bytes > TURN_BYTES) this.flush();
      if (this.current !== segment) return;
      const copy = { ...entry, segment, offset: segment.size + this.used };
      this.used += bytes.copy(this.turn, this.used, entry.offset, entry.offset + entry.bytes);
      this.settle(requestId);
      this.enter(requestId, copy);
    }
    this.flush();
  }
}
