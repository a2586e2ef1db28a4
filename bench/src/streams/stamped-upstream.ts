import type { Socket } from 'node:net';
import { nowMs } from '../now';
import { CannedUpstream } from '../upstream';
import type { BenchDialect, Delivery } from '../wire/dialect';
import { wireStream } from '../wire/replies';
import { stampOf } from './stamps';

interface Stream {
  socket: Socket;
  dialect: BenchDialect;
}

/** A chunk around its mark; with marks of one length the framing is the same for all. */
interface Frame {
  before: string;
  after: string;
  opening: Buffer;
  closing: Buffer;
}

/**
 * Once told to, it answers with streams that go on until it is told to end them: so many chunks a second each, every one
 * with the moment of its writing in it. The streams are spread evenly over the time between two chunks.
 */
export class StampedUpstream extends CannedUpstream {
  /** Chunks with a mark. */
  written = 0;
  /** By how much the writing of chunks was late, once a millisecond: how well this process keeps up. */
  latenessMs: number[] = [];
  private slots: Set<Stream>[] = [];
  private stampTicker: NodeJS.Timeout | undefined;
  private dueMs = 0;
  private slot = 0;

  get open(): number {
    return this.slots.reduce((sum, { size }) => sum + size, 0);
  }

  begin(chunksPerSecond: number): void {
    this.end();
    this.written = 0;
    this.latenessMs = [];
    this.slots = Array.from({ length: Math.round(1000 / chunksPerSecond) }, () => new Set());
    this.dueMs = nowMs() + 1;
    this.stampTicker = setInterval(() => this.writeDue(), 1);
  }

  /** Ends every stream as a provider does. */
  end(): void {
    clearInterval(this.stampTicker);
    for (const slot of this.slots) for (const { socket, dialect } of slot) socket.write(frameOf(dialect).closing);
    this.slots = [];
  }

  override close(): void {
    clearInterval(this.stampTicker);
    super.close();
  }

  protected override reply(socket: Socket, dialect: BenchDialect, delivery: Delivery): void {
    const [first, ...others] = this.slots;
    if (first === undefined) return super.reply(socket, dialect, delivery);
    const emptiest = others.reduce((least, slot) => (slot.size < least.size ? slot : least), first);
    socket.write(frameOf(dialect).opening);
    emptiest.add({ socket, dialect });
  }

  private writeDue(): void {
    this.latenessMs.push(Math.max(0, nowMs() - this.dueMs));
    for (; this.dueMs <= nowMs(); this.dueMs += 1) {
      const slot = this.slots[this.slot % this.slots.length];
      this.slot += 1;
      for (const stream of slot ?? []) this.writeChunk(stream, slot);
    }
  }

  private writeChunk(stream: Stream, slot: Set<Stream> | undefined): void {
    if (stream.socket.destroyed) {
      slot?.delete(stream);
      return;
    }
    const { before, after } = frameOf(stream.dialect);
    this.written += 1;
    stream.socket.write(before + stampOf(nowMs()) + after, 'latin1');
  }
}

const frames = new Map<BenchDialect, Frame>();

function frameOf(dialect: BenchDialect): Frame {
  let frame = frames.get(dialect);
  if (frame === undefined) {
    const { opening, delta, closing } = wireStream(dialect);
    const mark = stampOf(0);
    const [before = '', after = ''] = delta(mark).split(mark);
    frame = { opening, closing, before, after };
    frames.set(dialect, frame);
  }
  return frame;
}
