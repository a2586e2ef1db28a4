import type { StreamTap, TapContext } from '../../dialect';
import { spliceBytes, type ByteEdit, type JsonSpan } from '../../json-span';
import { SseDecoder, SseOverflowError } from '../../sse/decoder';
import { formatSseComment, formatSseEvent } from '../../sse/encoder';
import { SseFrameScanner, type SseFrameBatch } from '../../sse/frame-scanner';
import type { StreamEnd, StreamFailure } from '../../stream-event';
import type { Usage } from '../../usage';
import { errorEvent, failedEvent, failureOfStream } from './errors';
import { findDelta, soleDataLine, textBytes } from './frame-scan';
import { encodeLengthStop, responseOf } from './length-stop';
import { OpenOutput } from './open-output';
import { TapReader, type Reading } from './tap-reader';

const EMPTY = Buffer.alloc(0);

/**
 * Watches Responses SSE go by. Whole frames are forwarded as the bytes they came in, but for the model's name and
 * `usage.cost_usd` in the few that hold the response. Deltas, nearly all there are, are told by their first bytes and never
 * parsed; the others are scanned. What has gone by of the output is kept, so that it can be ended at any moment.
 *
 * Nothing of the upstream follows a failure. Created per reply.
 */
export class ResponsesStreamTap implements StreamTap {
  /** Only whole frames are ever handed on. */
  readonly atEventBoundary = true;
  usage: Usage | undefined;
  usageIsFinal = false;
  finish: string | undefined;
  failure: StreamFailure | undefined;
  outputBytes = 0;
  private phase: 'fresh' | 'streaming' | 'ended' | 'failed' | 'stopped' = 'fresh';
  private readonly frames = new SseFrameScanner();
  private readonly output = new OpenOutput();
  private readonly reader: TapReader;
  /** The last delta: only its number is of interest, and only once the stream is cut. */
  private lastDelta: Buffer = EMPTY;
  private lastDeltaStart = 0;
  private lastDeltaEnd = 0;

  constructor(private readonly context: TapContext) {
    this.reader = new TapReader(this.output, context);
  }

  push(bytes: Buffer): Buffer {
    if (this.isOver()) return EMPTY;
    let batch: SseFrameBatch;
    try {
      batch = this.frames.push(bytes);
    } catch (error) {
      if (!(error instanceof SseOverflowError)) throw error;
      return this.failWith({ kind: 'malformed', message: 'The upstream sent an event that is too large.' });
    }
    return this.forward(batch);
  }

  end(how: StreamEnd, failure?: StreamFailure): Buffer {
    this.frames.end();
    // Half a frame would swallow the event that follows it, and means nothing to the client.
    if (this.isOver() || this.phase === 'ended') return EMPTY;
    return this.failWith(failure ?? failureOf(how));
  }

  stopAtLimit(usage: Usage, note: string): Buffer {
    if (this.phase !== 'streaming') return EMPTY;
    this.frames.end();
    const end = encodeLengthStop(this.output, this.nextNumber(), usage, this.context);
    this.phase = 'stopped';
    this.finish = 'length';
    this.usage = usage;
    this.usageIsFinal = false;
    return Buffer.from(formatSseComment(note) + end);
  }

  private isOver(): boolean {
    return this.phase === 'failed' || this.phase === 'stopped';
  }

  private forward({ bytes, ends }: SseFrameBatch): Buffer {
    const edits: ByteEdit[] = [];
    let start = 0;
    for (const end of ends) {
      if (!this.isDelta(bytes, start, end)) {
        const reading = this.readFrame(bytes, start, end, edits);
        if (reading?.failure) return this.cutAt(bytes, { start, end }, edits, reading);
      }
      start = end;
    }
    return spliceBytes(bytes, edits);
  }

  /** Tells a delta of the part that is open by its bytes, and takes the text out of it. */
  private isDelta(bytes: Buffer, start: number, end: number): boolean {
    const { current } = this.output;
    const text = current && findDelta(bytes, start, end, current.head);
    if (!text) return false;
    current.text.append(bytes, text.start, text.end);
    this.outputBytes += textBytes(bytes, text);
    this.lastDelta = bytes;
    this.lastDeltaStart = start;
    this.lastDeltaEnd = end;
    return true;
  }

  /** Adds the edits that one frame needs. */
  private readFrame(bytes: Buffer, start: number, end: number, edits: ByteEdit[]): Reading | undefined {
    // What follows the end is no event of the reply: comments, `[DONE]` of some servers.
    if (this.phase === 'ended') return undefined;
    this.lastDelta = EMPTY;
    const line = soleDataLine(bytes, start, end);
    if (line) {
      const reading = this.take(this.reader.read(bytes, line, undefined));
      if (reading.isDropped) edits.push({ start, end, replacement: '' });
      else edits.push(...reading.edits);
      return reading;
    }
    // Comments, several data lines, other fields.
    const [event] = new SseDecoder().push(bytes.subarray(start, end));
    if (!event) return undefined;
    const payload = Buffer.from(event.data);
    const reading = this.take(this.reader.read(payload, { start: 0, end: payload.length }, event.event));
    if (reading.isDropped) edits.push({ start, end, replacement: '' });
    else if (reading.edits.length > 0) {
      const replacement = formatSseEvent(event.event, spliceBytes(payload, reading.edits).toString());
      edits.push({ start, end, replacement });
    }
    return reading;
  }

  private take(reading: Reading): Reading {
    this.outputBytes += reading.generatedBytes;
    this.usage = reading.usage ?? this.usage;
    if (reading.hasBegun && this.phase === 'fresh') this.phase = 'streaming';
    if (reading.finish === undefined) return reading;
    this.phase = 'ended';
    this.finish = reading.finish;
    this.usageIsFinal = reading.usage !== undefined;
    return reading;
  }

  /** The upstream's own failure is told in its own words; anything else is not shown, and told in ours. */
  private cutAt(bytes: Buffer, { start, end }: JsonSpan, edits: ByteEdit[], reading: Reading): Buffer {
    const { failure } = reading;
    if (failure?.kind !== 'upstream') {
      const before = spliceBytes(bytes.subarray(0, start), edits);
      return failure ? Buffer.concat([before, this.failWith(failure)]) : before;
    }
    const shown = spliceBytes(bytes.subarray(0, end), edits);
    this.failure = failure;
    this.phase = 'failed';
    if (reading.isWhole) return shown;
    // An `error` alone, which Codex does not read.
    const response = responseOf(this.output, this.context);
    const failed = failedEvent(response, failureOfStream(failure), this.reader.nextNumber);
    return Buffer.concat([shown, Buffer.from(failed)]);
  }

  private failWith(failure: StreamFailure): Buffer {
    const response = responseOf(this.output, this.context);
    const words = failureOfStream(failure);
    const number = this.nextNumber();
    const events = errorEvent(words, number) + failedEvent(response, words, number + 1);
    this.failure = failure;
    this.phase = 'failed';
    return Buffer.from(events);
  }

  /** Of the event to come. */
  private nextNumber(): number {
    const { lastDelta, lastDeltaStart, lastDeltaEnd } = this;
    const line = lastDelta === EMPTY ? undefined : soleDataLine(lastDelta, lastDeltaStart, lastDeltaEnd);
    if (line) this.reader.readNumber(lastDelta, line);
    return this.reader.nextNumber;
  }
}

function failureOf(how: StreamEnd): StreamFailure {
  return how === 'aborted'
    ? { kind: 'gateway', message: 'The reply was cut off by the gateway.' }
    : { kind: 'truncated', message: 'The upstream closed the stream before the reply was complete.' };
}
