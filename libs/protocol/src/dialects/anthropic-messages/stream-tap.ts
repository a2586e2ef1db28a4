import type { StreamTap, TapContext } from '../../dialect';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { JsonScanner } from '../../json-scan';
import { editOf, spliceBytes } from '../../json-span';
import { jsonOfName } from '../../json-text';
import { SseDecoder, SseOverflowError } from '../../sse/decoder';
import { formatSseComment } from '../../sse/encoder';
import { SseFrameScanner, type SseFrameBatch } from '../../sse/frame-scanner';
import type { StreamEnd, StreamFailure } from '../../stream-event';
import { emptyUsage, type Usage } from '../../usage';
import { decodeStreamError, encodeStreamFailure } from './errors';
import { encodeLengthStop, MESSAGE_STOP } from './length-stop';
import { decodeStopReason } from './map-stop-reason';
import { mergeUsage } from './usage';

const EMPTY = Buffer.alloc(0);
const CLOSE_BRACE = 125;
const LF = 10;
const CR = 13;
const OPEN_BRACE = 123;
/** How nearly every frame begins, from the API itself and from most compatible servers. */
const DELTA_HEAD = Buffer.from('event: content_block_delta\ndata: {"type":"content_block_delta","index":');
const DELTA_TAG = Buffer.from(',"delta":{"type":"');
const startScanner = new JsonScanner(['message.model']);

/** Bytes around the generated text in a frame of `text_delta`, `thinking_delta` and `input_json_delta`. */
const DELTA_OVERHEAD = {
  text: '0,"delta":{"type":"text_delta","text":""}}\n\n'.length + DELTA_HEAD.length,
  thinking: '0,"delta":{"type":"thinking_delta","thinking":""}}\n\n'.length + DELTA_HEAD.length,
  json: '0,"delta":{"type":"input_json_delta","partial_json":""}}\n\n'.length + DELTA_HEAD.length,
};

interface State {
  /** After `ended` only comments can follow; after `failed` and `stopped` nothing is forwarded. */
  phase: 'fresh' | 'streaming' | 'ended' | 'failed' | 'stopped';
  /** Index of the block that is open. Some compatible servers leave content_block_stop out: the next block ends one too. */
  openBlock: number | undefined;
  usage: Usage | undefined;
  usageIsFinal: boolean;
  finish: string | undefined;
  failure: StreamFailure | undefined;
  outputBytes: number;
}

/**
 * Watches Messages SSE go by. Whole frames are forwarded as the bytes they came in; only `message_start` is touched, to
 * put the model name in. Delta frames, nearly all there are, are told by their first bytes and never parsed; the few
 * others are. Created per reply.
 */
export class AnthropicStreamTap implements StreamTap {
  /** Only whole frames are ever handed on. */
  readonly atEventBoundary = true;
  private readonly scanner = new SseFrameScanner();
  private readonly state: State = {
    phase: 'fresh',
    openBlock: undefined,
    usage: undefined,
    usageIsFinal: false,
    finish: undefined,
    failure: undefined,
    outputBytes: 0,
  };

  constructor(private readonly context: TapContext) {}

  get usage(): Usage | undefined {
    return this.state.usage;
  }

  get usageIsFinal(): boolean {
    return this.state.usageIsFinal;
  }

  get finish(): string | undefined {
    return this.state.finish;
  }

  get failure(): StreamFailure | undefined {
    return this.state.failure;
  }

  get outputBytes(): number {
    return this.state.outputBytes;
  }

  push(bytes: Buffer): Buffer {
    if (this.isOver()) return EMPTY;
    if (this.isOneDelta(bytes)) return bytes;
    let batch: SseFrameBatch;
    try {
      batch = this.scanner.push(bytes);
    } catch (error) {
      if (!(error instanceof SseOverflowError)) throw error;
      return Buffer.from(this.fail({ kind: 'malformed', message: error.message }));
    }
    return this.forward(batch);
  }

  end(how: StreamEnd, failure?: StreamFailure): Buffer {
    const { state } = this;
    const held = this.scanner.end();
    if (this.isOver()) return EMPTY;
    // Half a frame would swallow the error event that follows it, and means nothing to the client.
    if (state.phase === 'ended') return EMPTY;
    const message =
      held.length > 0
        ? 'The upstream closed the stream inside an event'
        : 'The upstream closed the stream before the reply was complete';
    const stopped = 'The reply was stopped before it was complete';
    return Buffer.from(this.fail(failure ?? { kind: 'truncated', message: how === 'aborted' ? stopped : message }));
  }

  stopAtLimit(usage: Usage, note: string): Buffer {
    const { state } = this;
    if (state.phase !== 'streaming') return EMPTY;
    state.phase = 'stopped';
    this.scanner.end();
    const comment = formatSseComment(note);
    if (state.finish !== undefined) return Buffer.from(comment + MESSAGE_STOP);
    const end = encodeLengthStop(state.openBlock, usage, state.usage ?? emptyUsage());
    state.finish = 'length';
    state.usage = usage;
    state.usageIsFinal = false;
    return Buffer.from(comment + end);
  }

  private isOver(): boolean {
    return this.state.phase === 'failed' || this.state.phase === 'stopped';
  }

  private forward({ bytes, ends }: SseFrameBatch): Buffer {
    const { state } = this;
    let forwarded = bytes;
    let shift = 0;
    let start = 0;
    for (const end of ends) {
      if (!this.isDelta(bytes, start, end)) {
        const replaced = this.readFrame(bytes.subarray(start, end));
        if (replaced !== undefined) {
          const edit = { start: start + shift, end: end + shift, replacement: replaced };
          forwarded = spliceBytes(forwarded, [edit]);
          shift += replaced.length - (end - start);
        }
        if (state.phase === 'failed') return forwarded.subarray(0, end + shift);
      }
      start = end;
    }
    return forwarded;
  }

  /** How most reads of a stream are: begun and ended with one delta. Two searches tell, and nothing is made. */
  private isOneDelta(bytes: Buffer): boolean {
    if (!this.scanner.beginsFrame || !matches(bytes, 0, DELTA_HEAD)) return false;
    if (bytes.indexOf(LF, DELTA_HEAD.length) !== bytes.length - 2 || bytes.includes(CR)) return false;
    return this.isDelta(bytes, 0, bytes.length);
  }

  /** Tells a delta frame by its bytes, checks that it is whole, and counts the text in it. */
  private isDelta(bytes: Buffer, start: number, end: number): boolean {
    if (this.state.phase !== 'streaming' || end - start < DELTA_HEAD.length + 30) return false;
    if (bytes[end - 3] !== CLOSE_BRACE || bytes[end - 2] !== LF || !matches(bytes, start, DELTA_HEAD)) return false;
    let tag = start + DELTA_HEAD.length + 1;
    while (isDigit(bytes[tag])) tag += 1;
    if (!matches(bytes, tag, DELTA_TAG)) return false;
    const overhead = overheadOf(bytes, tag + DELTA_TAG.length);
    if (overhead !== undefined) this.state.outputBytes += Math.max(0, end - start - overhead);
    return true;
  }

  /** Returns what to send in its place, or undefined to send it as it is. */
  private readFrame(frame: Buffer): Buffer | undefined {
    const [event] = new SseDecoder().push(frame);
    if (event === undefined) return undefined;
    const body = parse(event.data);
    if (body === undefined) {
      return Buffer.from(this.fail({ kind: 'malformed', message: 'The upstream sent an event that is not JSON' }));
    }
    const type = typeof body['type'] === 'string' ? body['type'] : event.event;
    switch (type) {
      case 'message_start':
        return this.messageStart(frame, body);
      case 'content_block_start':
        this.state.openBlock = typeof body['index'] === 'number' ? body['index'] : 0;
        return undefined;
      case 'content_block_stop':
        this.state.openBlock = undefined;
        return undefined;
      case 'message_delta':
        this.messageDelta(body);
        return undefined;
      case 'message_stop':
        this.state.phase = 'ended';
        return undefined;
      case 'content_block_delta':
        // Spaced or ordered unlike the API's: the length of the data will do for an estimate.
        this.state.outputBytes += Math.max(0, event.data.length - DELTA_OVERHEAD.text + DELTA_HEAD.length);
        return undefined;
      case 'error':
        this.state.failure = decodeStreamError(body);
        this.state.phase = 'failed';
        return undefined;
      default:
        return undefined;
    }
  }

  private messageStart(frame: Buffer, body: JsonObject): Buffer | undefined {
    this.state.phase = 'streaming';
    const message = body['message'];
    if (!isJsonObject(message)) return undefined;
    if (isJsonObject(message['usage'])) this.state.usage = mergeUsage(this.state.usage, message['usage']);
    if (message['model'] === this.context.model) return undefined;
    const scan = startScanner.scan(frame, frame.indexOf(OPEN_BRACE), frame.lastIndexOf(CLOSE_BRACE) + 1);
    const span = scan.ok ? scan.spans['message.model'] : undefined;
    return span && spliceBytes(frame, [editOf(span, jsonOfName(this.context.model))]);
  }

  private messageDelta(body: JsonObject): void {
    const usage = body['usage'];
    if (isJsonObject(usage)) {
      this.state.usage = mergeUsage(this.state.usage, usage);
      this.state.usageIsFinal ||= typeof usage['output_tokens'] === 'number';
    }
    const delta = body['delta'];
    if (isJsonObject(delta) && typeof delta['stop_reason'] === 'string') {
      this.state.finish = decodeStopReason(delta['stop_reason']) ?? delta['stop_reason'];
    }
  }

  private fail(failure: StreamFailure): string {
    this.state.failure = failure;
    this.state.phase = 'failed';
    return encodeStreamFailure(failure);
  }
}

function matches(bytes: Buffer, start: number, expected: Buffer): boolean {
  for (let index = 0; index < expected.length; index++) if (bytes[start + index] !== expected[index]) return false;
  return true;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 48 && byte <= 57;
}

/** By the first letters of the delta's type; undefined for signatures and citations, which are not generated text. */
function overheadOf(bytes: Buffer, type: number): number | undefined {
  switch (bytes[type]) {
    case 0x74:
      return bytes[type + 1] === 0x65 ? DELTA_OVERHEAD.text : DELTA_OVERHEAD.thinking;
    case 0x69:
      return DELTA_OVERHEAD.json;
    default:
      return undefined;
  }
}

function parse(data: string): JsonObject | undefined {
  try {
    const value = JSON.parse(data) as JsonValue;
    return isJsonObject(value) ? value : undefined;
  } catch {
    // The caller turns "no object" into the failure.
    return undefined;
  }
}
