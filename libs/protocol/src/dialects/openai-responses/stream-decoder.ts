import type { ReplyContext, StreamDecoder } from '../../dialect';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { fieldFeature } from '../../loss';
import type { SseEvent } from '../../sse/decoder';
import type { StreamEnd, StreamEvent, StreamFailure } from '../../stream-event';
import { textMember } from '../openai/members';
import { decodeFailure } from './decode-failure';
import { decodeStatus } from './map-status';
import { arrayMember, DONE, unreadOf } from './reply-wire';
import { StreamItems } from './stream-items';
import { StreamLanes } from './stream-lanes';
import { decodeUsage } from './usage';

/** What the stream has told so far. */
interface State {
  phase: 'waiting' | 'streaming' | 'ended';
  /** Of the item that was spoken of last, for events that do not say theirs. */
  lastKey: string;
  /** Features already reported; once per reply is enough. */
  lost: Set<string>;
}

/**
 * Responses SSE → canonical events. The reply is complete at `response.completed` or `response.incomplete`, whose response
 * also makes good for events that never came; everything else that ends is a failure or a truncation. Created per reply.
 */
export class ResponsesStreamDecoder implements StreamDecoder {
  private readonly state: State = { phase: 'waiting', lastKey: '0', lost: new Set() };
  private readonly lanes = new StreamLanes();
  private readonly items: StreamItems;

  constructor(context: ReplyContext) {
    this.items = new StreamItems(this.lanes, context.toolNames);
  }

  push({ event, data }: SseEvent): StreamEvent[] {
    const out: StreamEvent[] = [];
    if (this.state.phase === 'ended' || data === DONE) return out;
    const body = parse(data);
    if (!isJsonObject(body)) {
      this.malformed('The upstream sent an event that is not a JSON object.', out);
      return out;
    }
    const type = textMember(body, 'type') ?? event ?? '';
    if (type === 'error' || isJsonObject(body.error)) this.fail(decodeFailure(body), out);
    else if (type.startsWith('response.')) this.read(type, body, out);
    else if (type === 'keepalive' || type === 'ping') out.push({ type: 'ping' });
    else this.lose(`event.${type || 'unknown'}`, type || 'event', out);
    return out;
  }

  end(how: StreamEnd): StreamEvent[] {
    const out: StreamEvent[] = [];
    if (this.state.phase === 'ended') return out;
    if (how === 'aborted') this.fail({ kind: 'gateway', message: 'The reply was cut off by the gateway.' }, out);
    else
      this.fail({ kind: 'truncated', message: 'The upstream closed the stream before the reply was complete.' }, out);
    return out;
  }

  private read(type: string, body: JsonObject, out: StreamEvent[]): void {
    switch (type) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        this.start(body, out);
        return;
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
      case 'response.cancelled':
        this.finish(type, body, out);
        return;
      default:
        this.start({}, out);
        this.readItemEvent(type, this.keyOf(body), body, out);
    }
  }

  private readItemEvent(type: string, key: string, body: JsonObject, out: StreamEvent[]): void {
    const { items } = this;
    const index = typeof body.content_index === 'number' ? body.content_index : 0;
    switch (type) {
      case 'response.output_text.delta':
        items.prose(key, index, 'text', text(body.delta), out);
        return;
      case 'response.refusal.delta':
        items.prose(key, index, 'refusal', text(body.delta), out);
        return;
      case 'response.function_call_arguments.delta':
        this.demand(items.argumentsDelta(key, 'function_call', text(body.delta), out), out);
        return;
      case 'response.custom_tool_call_input.delta':
        this.demand(items.argumentsDelta(key, 'custom_tool_call', text(body.delta), out), out);
        return;
      case 'response.reasoning_summary_text.delta': {
        const part = typeof body.summary_index === 'number' ? body.summary_index : 0;
        this.readReasoning(key, 'summary', part, text(body.delta), out);
        return;
      }
      case 'response.reasoning_text.delta':
        this.readReasoning(key, 'content', index, text(body.delta), out);
        return;
      default:
        this.readWhole(type, key, index, body, out);
    }
  }

  /** Events that are not deltas: they begin something, or tell it once more at its end. */
  private readWhole(type: string, key: string, index: number, body: JsonObject, out: StreamEvent[]): void {
    const { items } = this;
    switch (type) {
      case 'response.output_item.added':
        if (isJsonObject(body.item)) items.added(key, body.item, out);
        return;
      case 'response.output_item.done':
        if (isJsonObject(body.item)) items.done(key, body.item, out);
        return;
      case 'response.output_text.done':
        items.wholePart(key, index, { type: 'output_text', text: text(body.text) }, out);
        return;
      case 'response.refusal.done':
        items.wholePart(key, index, { type: 'refusal', refusal: text(body.refusal) }, out);
        return;
      case 'response.content_part.done':
        if (isJsonObject(body.part) && isProse(body.part)) items.wholePart(key, index, body.part, out);
        return;
      case 'response.function_call_arguments.done':
        this.demand(items.wholeArguments(key, 'function_call', text(body.arguments), out), out);
        return;
      case 'response.custom_tool_call_input.done':
        this.demand(items.wholeArguments(key, 'custom_tool_call', text(body.input), out), out);
        return;
      case 'response.output_text.annotation.added':
        items.annotation(key, index, body.annotation ?? null, out);
        return;
      case 'response.content_part.added':
      case 'response.reasoning_summary_part.added':
      case 'response.reasoning_summary_part.done':
      case 'response.reasoning_summary_text.done':
      case 'response.reasoning_text.done':
        // The item's own end tells it all.
        return;
      default:
        // Of a search, a program … : the item stands for them.
        if (!saysItsItem(body) || !items.isOpaque(key)) this.lose(`event.${type}`, type, out);
    }
  }

  private readReasoning(
    key: string,
    source: 'summary' | 'content',
    index: number,
    delta: string,
    out: StreamEvent[],
  ): void {
    if (!this.items.reasoning(key, source, index, delta, out)) this.lose(`reasoning.${source}`, `output[${key}]`, out);
  }

  private start(body: JsonObject, out: StreamEvent[]): void {
    if (this.state.phase !== 'waiting') return;
    this.state.phase = 'streaming';
    const response = isJsonObject(body.response) ? body.response : {};
    out.push({ type: 'start', id: textMember(response, 'id') ?? '', model: textMember(response, 'model') ?? '' });
  }

  private finish(type: string, body: JsonObject, out: StreamEvent[]): void {
    const response = isJsonObject(body.response) ? body.response : {};
    const ended = { ...response, status: textMember(response, 'status') ?? type.slice('response.'.length) };
    // Some servers send a failure's event with the status it had before.
    if (type === 'response.failed') ended.status = 'failed';
    this.start(body, out);
    this.tellMissed(response, out);
    const evidence = { hasToolCalls: this.items.hasToolCalls, hasRefusal: this.items.hasRefusal };
    const outcome = decodeStatus(ended, evidence);
    if (!outcome.ok) {
      this.fail(outcome.failure, out);
      return;
    }
    if (!this.lanes.close(out)) {
      this.malformed('The upstream sent a tool call without a name.', out);
      return;
    }
    for (const { path } of unreadOf(response)) this.lose(fieldFeature(path), path, out);
    if (outcome.unknown !== undefined) this.lose('field.reason', 'incomplete_details.reason', out);
    const usage = decodeUsage(response.usage);
    const serviceTier = textMember(response, 'service_tier');
    this.state.phase = 'ended';
    out.push({
      type: 'finish',
      reason: outcome.reason,
      ...(usage && { usage }),
      ...(serviceTier !== undefined && { serviceTier }),
    });
  }

  /** Items of which no event came, or not the last one. */
  private tellMissed(response: JsonObject, out: StreamEvent[]): void {
    arrayMember(response, 'output').forEach((item, index) => {
      if (isJsonObject(item)) this.items.done(this.items.finalKeyOf(index, textMember(item, 'id')), item, out);
    });
  }

  private keyOf({ output_index: index, item_id: id, item }: JsonObject): string {
    const named = typeof id === 'string' ? id : isJsonObject(item) ? textMember(item, 'id') : undefined;
    if (typeof index === 'number' || named !== undefined) {
      this.state.lastKey = this.items.keyOf(typeof index === 'number' ? index : undefined, named);
    }
    return this.state.lastKey;
  }

  private demand(holds: boolean, out: StreamEvent[]): void {
    if (!holds) this.malformed('The upstream sent arguments of a tool call that had ended.', out);
  }

  private malformed(message: string, out: StreamEvent[]): void {
    this.fail({ kind: 'malformed', message }, out);
  }

  private fail(error: StreamFailure, out: StreamEvent[]): void {
    if (this.state.phase === 'ended') return;
    this.state.phase = 'ended';
    out.push({ type: 'error', error });
  }

  private lose(feature: string, path: string, out: StreamEvent[]): void {
    if (this.state.lost.has(feature)) return;
    this.state.lost.add(feature);
    out.push({ type: 'loss', loss: { feature, path } });
  }
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function saysItsItem({ output_index: index, item_id: id }: JsonObject): boolean {
  return index !== undefined || id !== undefined;
}

function isProse({ type }: JsonObject): boolean {
  return type === 'output_text' || type === 'refusal';
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    // Not an object either: the caller tells the two apart from an event, not from each other.
    return undefined;
  }
}
