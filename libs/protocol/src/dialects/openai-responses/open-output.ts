import type { JsonSpan } from '../../json-span';
import { deltaHead } from './frame-scan';

const EMPTY = Buffer.alloc(0);
const FIRST_CAPACITY_BYTES = 256;

/** Text as it stands in JSON, escapes and all, put together from its deltas. */
export class RawText {
  private buffer = EMPTY;
  private length = 0;

  append(bytes: Buffer, start: number, end: number): void {
    const needed = this.length + end - start;
    if (needed > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2, FIRST_CAPACITY_BYTES));
      this.buffer.copy(grown, 0, 0, this.length);
      this.buffer = grown;
    }
    // Deltas are a few bytes: a loop costs less than the call to `copy`.
    for (let index = start; index < end; index++) this.buffer[this.length++] = bytes[index] ?? 0;
  }

  /** The text itself. */
  toText(): string {
    return JSON.parse(`"${this.buffer.toString('utf8', 0, this.length)}"`) as string;
  }
}

export type PartKind = 'text' | 'refusal' | 'summary' | 'reasoning' | 'arguments' | 'input';

const HEADS: Readonly<Record<PartKind, Buffer>> = {
  text: deltaHead('response.output_text.delta'),
  refusal: deltaHead('response.refusal.delta'),
  summary: deltaHead('response.reasoning_summary_text.delta'),
  reasoning: deltaHead('response.reasoning_text.delta'),
  arguments: deltaHead('response.function_call_arguments.delta'),
  input: deltaHead('response.custom_tool_call_input.delta'),
};

/** A part of an item whose deltas are coming, or have come. */
export interface OpenPart {
  kind: PartKind;
  /** Its `content_index` or `summary_index`; 0 for a call. */
  index: number;
  /** How the frames of its deltas begin. */
  head: Buffer;
  text: RawText;
  /** JSON of the part as its last event told it; undefined while it is open. */
  whole: Buffer | undefined;
}

export interface OpenItem {
  outputIndex: number;
  /** JSON, as `output_item.added` told it. */
  added: Buffer;
  parts: OpenPart[];
}

/**
 * What of a response has gone by, kept as the JSON it came in: enough to end it properly at any moment. About as large
 * as the output itself. Created per reply.
 */
export class OpenOutput {
  /** JSON of the response as it was first told. */
  response: Buffer | undefined;
  /** The one part whose deltas are coming; undefined while there are several, or none. */
  current: OpenPart | undefined;
  /** JSON of the items that are complete, by their place. */
  readonly done = new Map<number, Buffer>();
  readonly open = new Map<number, OpenItem>();

  begin(bytes: Buffer, span: JsonSpan): void {
    this.response ??= copy(bytes, span);
  }

  addItem(outputIndex: number, bytes: Buffer, span: JsonSpan): void {
    this.open.set(outputIndex, { outputIndex, added: copy(bytes, span), parts: [] });
    this.current = undefined;
  }

  /** The part of the item that is at this place; new where none was told yet. */
  part(outputIndex: number, kind: PartKind, index: number): OpenPart | undefined {
    const item = this.open.get(outputIndex);
    if (!item) return undefined;
    let part = item.parts.find((known) => known.kind === kind && known.index === index);
    if (!part) {
      part = { kind, index, head: HEADS[kind], text: new RawText(), whole: undefined };
      item.parts.push(part);
    }
    this.current = this.open.size === 1 ? part : undefined;
    return part;
  }

  endPart(outputIndex: number, kind: PartKind, index: number, bytes: Buffer, span: JsonSpan): void {
    const part = this.part(outputIndex, kind, index);
    if (part) part.whole = copy(bytes, span);
    this.current = undefined;
  }

  endItem(outputIndex: number, bytes: Buffer, span: JsonSpan): void {
    this.open.delete(outputIndex);
    this.done.set(outputIndex, copy(bytes, span));
    this.current = undefined;
  }
}

function copy(bytes: Buffer, { start, end }: JsonSpan): Buffer {
  return Buffer.from(bytes.subarray(start, end));
}
