import type { StreamTap, TapContext } from '../../dialect';
import { isJsonObject } from '../../json';
import { editOf, readJsonValue, spliceBytes, type ByteEdit, type JsonSpan } from '../../json-span';
import { jsonOfName } from '../../json-text';
import { SseDecoder, SseOverflowError } from '../../sse/decoder';
import { formatSseComment, formatSseEvent } from '../../sse/encoder';
import { SseFrameScanner, type SseFrameBatch } from '../../sse/frame-scanner';
import type { StreamEnd, StreamFailure } from '../../stream-event';
import type { Usage } from '../../usage';
import { CHAT_CHUNK, type ChunkForm } from './chunk-form';
import { ChunkTemplate } from './chunk-template';
import { encodeStreamFailure } from './errors';
import {
  FRAME_SCANNER,
  isEmptyArray,
  isNull,
  readChoices,
  soleDataLine,
  startsWith,
  type ChoicesReading,
} from './frame-scan';
import { DONE_EVENT, OpenReply } from './length-stop';
import { failedFinish } from './map-finish-reason';
import { StreamRepair } from './reply-repair';
import { costEdit, isSame, neutralFinish, readFailure } from './tap-payload';
import { decodeUsage } from './usage';
import { DONE } from './wire';

const EMPTY = Buffer.alloc(0);
const DONE_BYTES = Buffer.from(DONE);

/** What is to become of one payload: it goes on with these edits, it is kept from the client, or it ends the stream. */
type Verdict =
  /** `text`: the only thing of interest in it, but for the edit of the model. */
  | { kind: 'keep'; edits: ByteEdit[]; text?: JsonSpan }
  /** The frame goes on as it is, behind these. */
  | { kind: 'precede'; frames: string }
  | { kind: 'drop' }
  | { kind: 'fail'; failure: StreamFailure };

/**
 * Chat bytes → the same bytes, but for the model's name, `usage.cost_usd` and the usage chunk nobody asked for. A chunk
 * is scanned, not parsed; only a `usage` that is not null is, and, where replies are repaired, the first chunk, calls and ends.
 * All choices of `n` pass.
 *
 * Nothing follows an error: what comes after one is dropped, `[DONE]` too, so that no client takes it for an end.
 * Created per reply.
 */
export class ChatStreamTap implements StreamTap {
  usage: Usage | undefined;
  finish: string | undefined;
  failure: StreamFailure | undefined;
  outputBytes = 0;
  private readonly frames = new SseFrameScanner();
  private readonly modelName: Buffer;
  private readonly template = new ChunkTemplate();
  private readonly reply: OpenReply;
  private readonly repair: StreamRepair | undefined;
  private done = false;
  private stopped = false;
  /** `usage` is the upstream's own. */
  private usageIsTold = false;

  constructor(
    private readonly context: TapContext,
    private readonly form: ChunkForm = CHAT_CHUNK,
  ) {
    this.reply = new OpenReply(form);
    this.modelName = jsonOfName(context.model);
    if (context.repair === true) this.repair = new StreamRepair();
  }

  /** Usage comes at the end, or on every chunk (vLLM) and is whole at the end. */
  get usageIsFinal(): boolean {
    return this.usageIsTold && (this.done || !this.reply.hasOpenChoices);
  }

  get atEventBoundary(): boolean {
    return this.frames.atFrameBoundary;
  }

  push(bytes: Buffer): Buffer {
    if (this.failure || this.stopped) return EMPTY;
    let batch: SseFrameBatch;
    try {
      batch = this.frames.push(bytes);
    } catch (error) {
      if (!(error instanceof SseOverflowError)) throw error;
      return this.failWith({ kind: 'malformed', message: 'The upstream sent an event that is too large.' });
    }
    return this.passBatch(batch);
  }

  end(how: StreamEnd, failure?: StreamFailure): Buffer {
    const rest = this.frames.end();
    if (this.failure || this.stopped) return EMPTY;
    // Servers that close right after `data: [DONE]` without the blank line.
    const last = how === 'completed' && rest.length > 0 ? this.passLast(rest) : EMPTY;
    if (this.failure || (!failure && this.done)) return last;
    if (!failure && how === 'completed' && this.finish !== undefined) {
      return this.repair ? Buffer.concat([last, Buffer.from(DONE_EVENT)]) : last;
    }
    const closing = this.failWith(failure ?? failureOf(how));
    return Buffer.concat([last, closing]);
  }

  stopAtLimit(usage: Usage, note: string): Buffer {
    const { context, reply } = this;
    if (this.failure || this.done || this.stopped || !reply.hasBegun) return EMPTY;
    this.stopped = true;
    this.frames.end();
    let text = formatSseComment(note) + reply.encodeFinishes(context, () => 'length');
    if (reply.hasOpenChoices) this.finish = 'length';
    if (reply.hasOpenChoices || !this.usageIsTold) {
      this.usage = usage;
      this.usageIsTold = false;
      if (context.includeUsage) text += reply.encodeUsageChunk(usage, context);
    }
    return Buffer.from(text + DONE_EVENT);
  }

  private passLast(rest: Buffer): Buffer {
    const bytes = Buffer.concat([rest, Buffer.from('\n\n')]);
    return this.passBatch({ bytes, ends: [bytes.length] });
  }

  private passBatch({ bytes, ends }: SseFrameBatch): Buffer {
    const edits: ByteEdit[] = [];
    let start = 0;
    for (const end of ends) {
      const failure = this.takeFrame(bytes, start, end, edits);
      if (failure?.kind === 'upstream') {
        // In the client's own dialect already, with members that ours would not have.
        this.failure = failure;
        return spliceBytes(bytes.subarray(0, end), edits);
      }
      if (failure) return Buffer.concat([spliceBytes(bytes.subarray(0, start), edits), this.failWith(failure)]);
      start = end;
    }
    return spliceBytes(bytes, edits);
  }

  /** Adds the edits that one frame needs. A failure means that nothing after the frame may go on. */
  private takeFrame(bytes: Buffer, start: number, end: number, edits: ByteEdit[]): StreamFailure | undefined {
    const textLength = this.template.match(bytes, start, end);
    if (textLength !== -1) {
      this.outputBytes += textLength;
      const { model } = this.template;
      if (model) edits.push({ start: start + model.start, end: start + model.end, replacement: this.modelName });
      return undefined;
    }
    const line = soleDataLine(bytes, start, end);
    if (line) {
      const verdict = this.judge(bytes, line);
      if (verdict.kind === 'fail') return verdict.failure;
      if (verdict.kind === 'drop') edits.push({ start, end, replacement: '' });
      if (verdict.kind === 'precede') edits.push({ start, end: start, replacement: verdict.frames });
      if (verdict.kind !== 'keep') return undefined;
      edits.push(...verdict.edits);
      if (verdict.text) this.template.learn(bytes, { start, end }, verdict.text, verdict.edits[0]);
      return undefined;
    }
    // Comments, several data lines, an event name, a byte order mark.
    for (const { event, data } of new SseDecoder().push(bytes.subarray(start, end))) {
      const payload = Buffer.from(data);
      const verdict = this.judge(payload, { start: 0, end: payload.length }, event);
      if (verdict.kind === 'fail') return verdict.failure;
      if (verdict.kind === 'drop') edits.push({ start, end, replacement: '' });
      else if (verdict.kind === 'precede') edits.push({ start, end: start, replacement: verdict.frames });
      else if (verdict.edits.length > 0) {
        const replacement = formatSseEvent(event, spliceBytes(payload, verdict.edits).toString());
        edits.push({ start, end, replacement });
      }
    }
    return undefined;
  }

  private judge(bytes: Buffer, { start, end }: JsonSpan, event?: string): Verdict {
    if (end - start === DONE_BYTES.length && startsWith(bytes, start, end, DONE_BYTES)) {
      this.done = true;
      const frames = this.repair ? this.endOpenChoices(this.repair) : '';
      this.finish ??= this.repair?.hasCalls() === true ? 'tool-calls' : 'stop';
      return frames === '' ? { kind: 'keep', edits: [] } : { kind: 'precede', frames };
    }
    const scan = FRAME_SCANNER.scan(bytes, start, end);
    if (!scan.ok) {
      return { kind: 'fail', failure: { kind: 'malformed', message: 'The upstream sent a malformed chunk.' } };
    }
    const { model, usage, choices, error } = scan.spans;
    if ((error && !isNull(bytes, error)) || !choices) {
      const failure = readFailure(bytes, { start, end }, event);
      if (failure) return { kind: 'fail', failure };
    }
    const isFirst = !this.reply.hasBegun;
    const reading = choices && readChoices(bytes, choices, this.reply, this.form.generated);
    const message = reading?.finishReason && failedFinish(reading.finishReason);
    if (message) return { kind: 'fail', failure: { kind: 'truncated', message } };
    this.reply.sawChunk(bytes, { start, end });
    this.outputBytes += reading?.generatedBytes ?? 0;
    const repaired = reading && this.repairChoices(bytes, { start, end }, reading, isFirst);
    this.finish = neutralFinish(reading?.finishReason, this.repair?.hasCalls()) ?? this.finish;
    const edits: ByteEdit[] = [];
    const hasUsage = usage !== undefined && !isNull(bytes, usage);
    if (hasUsage) {
      const cost = this.readUsage(bytes, usage);
      const isUsageOnly = !choices || isEmptyArray(bytes, choices);
      if (isUsageOnly && !this.context.includeUsage) return { kind: 'drop' };
      if (cost) edits.push(cost);
    }
    if (model && !isSame(bytes, model, this.modelName)) edits.push(editOf(model, this.modelName));
    if (repaired && choices) edits.push(editOf(choices, repaired));
    // Where a call is, what is put in differs from chunk to chunk of the same form.
    const isAlike = !this.repair || (!repaired && reading?.hasCalls === false);
    const isOrdinary = !hasUsage && reading?.finishReason === undefined && isAlike;
    if (isOrdinary && reading?.text) return { kind: 'keep', edits, text: reading.text };
    return { kind: 'keep', edits: edits.sort((left, right) => left.start - right.start) };
  }

  /** The choices of a chunk with what they lack; undefined: nothing. */
  private repairChoices(bytes: Buffer, chunk: JsonSpan, reading: ChoicesReading, isFirst: boolean): string | undefined {
    if (!this.repair || (!isFirst && !reading.hasCalls && reading.finishReason === undefined)) return undefined;
    const value = readJsonValue(bytes, chunk);
    const choices = isJsonObject(value) && this.repair.repairChunk(value);
    return choices ? JSON.stringify(choices) : undefined;
  }

  /** Servers that are done without having said how. */
  private endOpenChoices(repair: StreamRepair): string {
    return this.reply.encodeFinishes(this.context, (index) => (repair.hasCalls(index) ? 'tool_calls' : 'stop'));
  }

  private readUsage(bytes: Buffer, span: JsonSpan): ByteEdit | undefined {
    const value = readJsonValue(bytes, span);
    const usage = decodeUsage(value);
    if (!usage) return undefined;
    this.usage = usage;
    this.usageIsTold = true;
    return costEdit(value, usage, span, this.context);
  }

  private failWith(failure: StreamFailure): Buffer {
    this.failure = failure;
    return Buffer.from(encodeStreamFailure(failure));
  }
}

function failureOf(how: StreamEnd): StreamFailure {
  return how === 'aborted'
    ? { kind: 'gateway', message: 'The reply was cut off by the gateway.' }
    : { kind: 'truncated', message: 'The upstream closed the stream before the reply was complete.' };
}
