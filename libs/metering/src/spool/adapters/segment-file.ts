import { closeSync, fdatasync, openSync, read, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const synchronize = promisify(fdatasync);
const readAt = promisify(read);

/** One file of a spool, written to its end by the process that made it. Names sort in the order they were begun. */
export class SegmentFile {
  /** Bytes written. */
  size = 0;
  /** Of records that still wait for something. */
  openRecords = 0;
  openBytes = 0;
  /** Written, and not known to survive a crash of the machine. */
  dirty = false;
  readonly path: string;
  private readonly descriptor: number;

  /** @throws as `open` does. */
  constructor(folder: string, sequence: number) {
    this.path = path.join(folder, `${String(sequence).padStart(9, '0')}.spool`);
    this.descriptor = openSync(this.path, 'ax+', 0o600);
  }

  /**
   * Into the page cache, which a killed process leaves behind: only a crash of the machine waits for `sync`.
   *
   * @throws where not all could be written; what was is the torn end of this file, to which no more may be appended.
   */
  append(bytes: Buffer): void {
    const written = writeSync(this.descriptor, bytes, 0, bytes.length);
    if (written < bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes could be written`);
    this.size += written;
    this.dirty = true;
  }

  /** A record that was appended here. */
  async read(offset: number, bytes: number): Promise<Buffer> {
    const { buffer } = await readAt(this.descriptor, Buffer.allocUnsafe(bytes), 0, bytes, offset);
    return buffer;
  }

  async sync(): Promise<void> {
    if (!this.dirty) return;
    this.dirty = false;
    await synchronize(this.descriptor);
  }

  close(): void {
    closeSync(this.descriptor);
  }

  async remove(): Promise<void> {
    this.close();
    await rm(this.path, { force: true });
  }
}
