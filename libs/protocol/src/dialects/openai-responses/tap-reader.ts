import type { TapContext } from '../../dialect';
import { isJsonObject } from '../../json';
import type { JsonScan } from '../../json-scan';
import { readJsonString, readJsonValue, type ByteEdit, type JsonSpan } from '../../json-span';
import type { StreamFailure } from '../../stream-event';
import type { Usage } from '../../usage';
import { decodeFailure } from './decode-failure';
import { EVENT_SCANNER, startsWith, textBytes } from './frame-scan';
import type { OpenOutput, PartKind } from './open-output';
import { DONE } from './reply-wire';
import { isFilled, modelEdit, readEnd, readUsage } from './tap-payload';

const DONE_BYTES = Buffer.from(DONE);
const QUOTE = 34;

/** What one event says to a tap. */
export interface Reading {
  edits: ByteEdit[];
  generatedBytes: number;
  usage?: Usage;
  /** There is a response that can be ended. */
  hasBegun?: boolean;
  /** It has ended, and how. */
  finish?: string;
  failure?: StreamFailure;
  /** The failure is told by the event that ends a stream. */
  isWhole?: boolean;
  /** Not for the client. */
  isDropped?: boolean;
}

type Spans = (JsonScan<typeof EVENT_SCANNER extends { scan(...args: never): JsonScan<infer Key> } ? Key : never> & {
  ok: true;
})['spans'];

const DELTA_KINDS: ReadonlyMap<string, PartKind> = new Map([
  ['response.output_text.delta', 'text'],
  ['response.refusal.delta', 'refusal'],
  ['response.reasoning_summary_text.delta', 'summary'],
  ['response.reasoning_text.delta', 'reasoning'],
  ['response.function_call_arguments.delta', 'arguments'],
  ['response.custom_tool_call_input.delta', 'input'],
]);
const CONTENT_KINDS: ReadonlyMap<string, PartKind> = new Map([
  ['output_text', 'text'],
  ['refusal', 'refusal'],
  ['reasoning_text', 'reasoning'],
]);
const CALLS: ReadonlyMap<string, PartKind> = new Map([
  ['function_call', 'arguments'],
  ['custom_tool_call', 'input'],
]);

/** Reads the events of a stream that are not plain deltas. Created per reply. */
export class TapReader {
  /** Of the event to come. */
  nextNumber = 0;
  private hasToolCalls = false;
  private hasRefusal = false;

  constructor(
    private readonly output: OpenOutput,
    private readonly context: TapContext,
  ) {}

  readNumber(bytes: Buffer, { start, end }: JsonSpan): void {
    const scan = EVENT_SCANNER.scan(bytes, start, end);
    if (scan.ok) this.takeNumber(bytes, scan.spans);
  }

  /** @param event the name that its `event:` line gave, where that was not left to its data */
  read(bytes: Buffer, { start, end }: JsonSpan, event: string | undefined): Reading {
    if (end - start === DONE_BYTES.length && startsWith(bytes, start, end, DONE_BYTES)) {
      // No client may take the stream for complete before it is.
      return { edits: [], generatedBytes: 0, isDropped: true };
    }
    const scan = EVENT_SCANNER.scan(bytes, start, end);
    if (!scan.ok) {
      const message = 'The upstream sent an event that is not a JSON object.';
      return { edits: [], generatedBytes: 0, failure: { kind: 'malformed', message } };
    }
    const { spans } = scan;
    const type = (spans.type && readJsonString(bytes, spans.type)) ?? event ?? '';
    this.takeNumber(bytes, spans);
    if (type === 'error' || isFilled(bytes, spans.error)) {
      const value = readJsonValue(bytes, { start, end });
      return { edits: [], generatedBytes: 0, failure: decodeFailure(isJsonObject(value) ? value : {}) };
    }
    if (spans.response) return this.readLifecycle(type, bytes, spans);
    const kind = DELTA_KINDS.get(type);
    if (type.endsWith('.delta')) return this.readDelta(kind, bytes, spans);
    this.readItemEvent(type, bytes, spans);
    return { edits: [], generatedBytes: 0 };
  }

  private takeNumber(bytes: Buffer, spans: Spans): void {
    const last = numberAt(bytes, spans.sequence_number);
    this.nextNumber = last === undefined ? this.nextNumber + 1 : last + 1;
  }

  private readLifecycle(type: string, bytes: Buffer, spans: Spans): Reading {
    const edits: ByteEdit[] = [];
    const model = modelEdit(bytes, spans['response.model'], this.context.model);
    if (model) edits.push(model);
    const end = END_EVENTS.get(type);
    if (end === undefined) {
      if (spans.response) this.output.begin(bytes, spans.response);
      return { edits, generatedBytes: 0, hasBegun: true };
    }
    const { usage, edit } = readUsage(bytes, spans['response.usage'], this.context);
    if (edit) edits.push(edit);
    edits.sort((left, right) => left.start - right.start);
    const status = spans['response.status'] && readJsonString(bytes, spans['response.status']);
    const { finish, failure } = readEnd(
      bytes,
      {
        status: undefined,
        incompleteDetails: spans['response.incomplete_details'],
        error: spans['response.error'],
      },
      { hasToolCalls: this.hasToolCalls, hasRefusal: this.hasRefusal },
      end === 'failed' ? end : (status ?? end),
    );
    const reading: Reading = { edits, generatedBytes: 0, ...(usage && { usage }) };
    return failure ? { ...reading, failure, isWhole: true } : { ...reading, finish };
  }

  private readDelta(kind: PartKind | undefined, bytes: Buffer, spans: Spans): Reading {
    const { delta } = spans;
    if (!delta || bytes[delta.start] !== QUOTE) return { edits: [], generatedBytes: 0 };
    const text = { start: delta.start + 1, end: delta.end - 1 };
    if (kind) {
      const index = numberAt(bytes, kind === 'summary' ? spans.summary_index : spans.content_index) ?? 0;
      const part = this.output.part(numberAt(bytes, spans.output_index) ?? 0, kind, index);
      part?.text.append(bytes, text.start, text.end);
      this.hasRefusal ||= kind === 'refusal';
    }
    return { edits: [], generatedBytes: textBytes(bytes, text) };
  }

  private readItemEvent(type: string, bytes: Buffer, spans: Spans): void {
    const { output } = this;
    const place = numberAt(bytes, spans.output_index) ?? 0;
    switch (type) {
      case 'response.output_item.added':
        if (spans.item) output.addItem(place, bytes, spans.item);
        this.seeItem(bytes, spans, place);
        return;
      case 'response.output_item.done':
        this.seeItem(bytes, spans, undefined);
        if (spans.item) output.endItem(place, bytes, spans.item);
        return;
      case 'response.content_part.added':
        this.seePart(bytes, spans, place, false);
        return;
      case 'response.content_part.done':
        this.seePart(bytes, spans, place, true);
        return;
      case 'response.reasoning_summary_part.added':
        output.part(place, 'summary', numberAt(bytes, spans.summary_index) ?? 0);
        return;
      case 'response.reasoning_summary_part.done':
        if (spans.part) output.endPart(place, 'summary', numberAt(bytes, spans.summary_index) ?? 0, bytes, spans.part);
        return;
      case 'response.function_call_arguments.done':
        if (spans.arguments) output.endPart(place, 'arguments', 0, bytes, spans.arguments);
        return;
      case 'response.custom_tool_call_input.done':
        if (spans.input) output.endPart(place, 'input', 0, bytes, spans.input);
        return;
      default:
    }
  }

  /** @param place of an item whose deltas are to come; undefined: it is complete */
  private seeItem(bytes: Buffer, spans: Spans, place: number | undefined): void {
    const type = (spans['item.type'] && readJsonString(bytes, spans['item.type'])) ?? '';
    const execution = spans['item.execution'] && readJsonString(bytes, spans['item.execution']);
    const kind = CALLS.get(type);
    this.hasToolCalls ||= kind !== undefined || (type === 'tool_search_call' && execution === 'client');
    if (kind && place !== undefined) this.output.part(place, kind, 0);
  }

  private seePart(bytes: Buffer, spans: Spans, place: number, isWhole: boolean): void {
    const type = spans['part.type'] && readJsonString(bytes, spans['part.type']);
    const kind = CONTENT_KINDS.get(type ?? '');
    if (!kind || !spans.part) return;
    this.hasRefusal ||= kind === 'refusal';
    const index = numberAt(bytes, spans.content_index) ?? 0;
    if (isWhole) this.output.endPart(place, kind, index, bytes, spans.part);
    else this.output.part(place, kind, index);
  }
}

/** The events that end a stream, and the status that each says. */
const END_EVENTS: ReadonlyMap<string, string> = new Map([
  ['response.completed', 'completed'],
  ['response.incomplete', 'incomplete'],
  ['response.failed', 'failed'],
  ['response.cancelled', 'cancelled'],
]);

function numberAt(bytes: Buffer, span: JsonSpan | undefined): number | undefined {
  const value = span && readJsonValue(bytes, span);
  return typeof value === 'number' ? value : undefined;
}
