import { TOOL_SEARCH } from '../../conversation';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { lossOf } from '../../loss';
import type { BlockStart, StreamEvent } from '../../stream-event';
import { textMember } from '../openai/members';
import {
  callId,
  callName,
  callText,
  decodeOutputItem,
  isClientSearch,
  OutputFindings,
  reasoningText,
} from './convert-from-output';
import { arrayMember } from './reply-wire';
import { openThinking } from './sealed-thinking';
import type { Lane, StreamLanes } from './stream-lanes';
import { DIALECT_ID } from './wire';

type ProseKind = 'text' | 'refusal' | 'thinking';

/** A piece of an item that becomes a block of its own: a content part, a reasoning item's text, a call. */
interface Unit {
  lane: Lane | undefined;
  /** UTF-16 units of it so far: what a later event tells again of it is not said twice. */
  received: number;
  annotations: number;
}

interface Item {
  type: string;
  units: Map<number, Unit>;
  /** Reasoning: which of the two texts is told. */
  source: 'summary' | 'content' | undefined;
  summaryIndex: number;
  isDone: boolean;
}

/**
 * What the events of a stream have told of the items of its output. Events may be missing (no `added`, no deltas, no `done`)
 * and come in any order; each text is passed on once. Created per reply.
 */
export class StreamItems {
  hasToolCalls = false;
  hasRefusal = false;
  private readonly items = new Map<string, Item>();
  private readonly keysById = new Map<string, string>();

  constructor(
    private readonly lanes: StreamLanes,
    private readonly toolNames: ReadonlyMap<string, string>,
  ) {}

  /** By what the item of an event is known here: its place in the output, and where servers leave that out, its id. */
  keyOf(index: number | undefined, id: string | undefined): string {
    const key = index === undefined ? (this.keysById.get(`${id}`) ?? `${id}`) : String(index);
    if (id) this.keysById.set(id, key);
    return key;
  }

  /** The same for an item of the finished response, whose place need not be what the events called it. */
  finalKeyOf(index: number, id: string | undefined): string {
    return this.keysById.get(id ?? '') ?? String(index);
  }

  /** Of an item that only this dialect understands; its events go with it. */
  isOpaque(key: string): boolean {
    const type = this.items.get(key)?.type;
    return type !== undefined && !UNDERSTOOD.has(type);
  }

  added(key: string, item: JsonObject, out: StreamEvent[]): void {
    const known = this.item(key, typeOf(item));
    if (CALLS.has(known.type)) this.nameCall(this.unit(known, 0), item, out);
  }

  prose(key: string, index: number, kind: 'text' | 'refusal', text: string, out: StreamEvent[]): void {
    if (text !== '') this.say(this.unit(this.item(key, 'message'), index), kind, text, out);
  }

  /** One of the two texts of a reasoning item. @returns false where the other is being told already */
  reasoning(key: string, source: 'summary' | 'content', index: number, text: string, out: StreamEvent[]): boolean {
    const item = this.item(key, 'reasoning');
    if (text === '') return true;
    item.source ??= source;
    if (item.source !== source) return false;
    const isNextPart = source === 'summary' && index > item.summaryIndex && this.unit(item, 0).received > 0;
    item.summaryIndex = Math.max(index, item.summaryIndex);
    this.say(this.unit(item, 0), 'thinking', isNextPart ? `\n\n${text}` : text, out);
    return true;
  }

  /** @returns false where the call had ended */
  argumentsDelta(key: string, type: string, text: string, out: StreamEvent[]): boolean {
    const unit = this.unit(this.item(key, type), 0);
    const lane = (unit.lane ??= this.openCall(type === 'custom_tool_call'));
    if (lane.isClosed || lane.isWhole) return text.trim() === '';
    unit.received += text.length;
    if (text !== '') this.lanes.push(lane, { type: 'arguments-delta', json: text }, out);
    return true;
  }

  annotation(key: string, index: number, citation: JsonValue, out: StreamEvent[]): void {
    const unit = this.unit(this.item(key, 'message'), index);
    unit.annotations += 1;
    this.lanes.push(this.openLane(unit, { type: 'text' }), { type: 'citation', citation }, out);
  }

  /** What `output_text.done`, `content_part.done` and the like tell at the end of a content part: all of it, once more. */
  wholePart(key: string, index: number, part: JsonObject, out: StreamEvent[]): void {
    const unit = this.unit(this.item(key, 'message'), index);
    if (part.type === 'refusal') this.sayRest(unit, 'refusal', textMember(part, 'refusal') ?? '', out);
    else this.sayRest(unit, 'text', textMember(part, 'text') ?? '', out);
    const annotations = arrayMember(part, 'annotations');
    for (const citation of annotations.slice(unit.annotations)) this.annotation(key, index, citation, out);
  }

  wholeArguments(key: string, type: string, text: string, out: StreamEvent[]): boolean {
    const { received } = this.unit(this.item(key, type), 0);
    return this.argumentsDelta(key, type, text.slice(received), out);
  }

  /** An item is complete: whatever of it no delta has told is told now. */
  done(key: string, wire: JsonObject, out: StreamEvent[]): void {
    const item = this.item(key, typeOf(wire));
    if (item.isDone) return;
    item.isDone = true;
    this.reportLosses(key, wire, out);
    if (item.type === 'message') {
      arrayMember(wire, 'content').forEach((part, index) => {
        if (isJsonObject(part)) this.wholePart(key, index, part, out);
      });
    } else if (item.type === 'reasoning') this.reasoningDone(item, wire, out);
    else if (CALLS.has(item.type)) this.callDone(key, item, wire, out);
    else this.unit(item, 0).lane = this.lanes.open({ type: 'opaque', dialect: DIALECT_ID, wire });
    for (const { lane } of item.units.values()) if (lane) lane.isWhole = true;
    this.lanes.drain(false, out);
  }

  /** What a whole reply would leave unmapped. */
  private reportLosses(key: string, wire: JsonObject, out: StreamEvent[]): void {
    const findings = new OutputFindings(this.toolNames);
    decodeOutputItem(wire, `output[${key}]`, findings);
    for (const left of findings.unmapped) out.push({ type: 'loss', loss: lossOf(left) });
    if (findings.logprobs.length > 0) {
      out.push({ type: 'loss', loss: { feature: 'logprobs', path: `output[${key}].content` } });
    }
  }

  private reasoningDone(item: Item, wire: JsonObject, out: StreamEvent[]): void {
    const unit = this.unit(item, 0);
    // What deltas told is not told again: with parts left out nobody can tell what the rest is.
    if (unit.received === 0) this.sayRest(unit, 'thinking', reasoningText(wire).text, out);
    const sealed = textMember(wire, 'encrypted_content');
    if (!sealed) return;
    const part = openThinking('', sealed);
    if (part.type === 'thinking') {
      const { signature = '', signedBy } = part;
      const lane = this.openLane(unit, { type: 'thinking' });
      this.lanes.push(lane, { type: 'signature-delta', signature, ...(signedBy && { signedBy }) }, out);
      return;
    }
    unit.lane = this.lanes.open(part);
  }

  private callDone(key: string, item: Item, wire: JsonObject, out: StreamEvent[]): void {
    this.nameCall(this.unit(item, 0), wire, out);
    this.wholeArguments(key, item.type, callText(wire), out);
  }

  private nameCall(unit: Unit, wire: JsonObject, out: StreamEvent[]): void {
    const lane = (unit.lane ??= this.openCall(wire.type === 'custom_tool_call'));
    const { block } = lane;
    if (block.type !== 'tool-call' || lane.isClosed) return;
    const name = wire.type === TOOL_SEARCH_CALL ? TOOL_SEARCH : callName(wire);
    block.id ||= callId(wire);
    block.name ||= this.toolNames.get(name) ?? name;
    this.lanes.drain(false, out);
  }

  private openCall(custom: boolean): Lane {
    this.hasToolCalls = true;
    return this.lanes.open({ type: 'tool-call', id: '', name: '', ...(custom && { custom: true }) });
  }

  private sayRest(unit: Unit, kind: ProseKind, whole: string, out: StreamEvent[]): void {
    if (whole.length > unit.received) this.say(unit, kind, whole.slice(unit.received), out);
  }

  private say(unit: Unit, kind: ProseKind, text: string, out: StreamEvent[]): void {
    if (kind === 'refusal') this.hasRefusal = true;
    unit.received += text.length;
    this.lanes.push(this.openLane(unit, { type: kind }), deltaOf(kind, text), out);
  }

  /** The lane of a unit; a new one where its block was closed before all of it had come. */
  private openLane(unit: Unit, block: BlockStart): Lane {
    if (!unit.lane || unit.lane.isClosed) unit.lane = this.lanes.open(block);
    return unit.lane;
  }

  private item(key: string, type: string): Item {
    let item = this.items.get(key);
    if (!item) {
      item = { type, units: new Map(), source: undefined, summaryIndex: 0, isDone: false };
      this.items.set(key, item);
    }
    return item;
  }

  private unit(item: Item, index: number): Unit {
    let unit = item.units.get(index);
    if (!unit) {
      unit = { lane: undefined, received: 0, annotations: 0 };
      item.units.set(index, unit);
    }
    return unit;
  }
}

const TOOL_SEARCH_CALL = 'tool_search_call';
const CALLS: ReadonlySet<string> = new Set(['function_call', 'custom_tool_call', TOOL_SEARCH_CALL]);
const UNDERSTOOD: ReadonlySet<string> = new Set([...CALLS, 'message', 'reasoning']);

/** A search that the provider runs itself is none of the client's calls. */
function typeOf(item: JsonObject): string {
  const type = textMember(item, 'type') ?? '';
  return type === TOOL_SEARCH_CALL && !isClientSearch(item) ? 'server_tool_search_call' : type;
}

function deltaOf(kind: ProseKind, text: string): StreamEvent {
  switch (kind) {
    case 'text':
      return { type: 'text-delta', text };
    case 'refusal':
      return { type: 'refusal-delta', text };
    case 'thinking':
      return { type: 'thinking-delta', text };
  }
}
