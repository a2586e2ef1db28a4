import type { ReplyContext, StreamDecoder } from '../../dialect';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import type { SseEvent } from '../../sse/decoder';
import type { StreamEnd, StreamEvent, StreamFailure } from '../../stream-event';
import type { Usage } from '../../usage';
import { CallTracker } from './call-tracker';
import { argumentsText, callsOf, fallbackCallId } from './convert-tool-calls';
import { decodeErrorValue } from '../openai/errors';
import { decodeFinishReason, failedFinish } from './map-finish-reason';
import { READ_OF_CHOICE, READ_OF_REPLY } from './response';
import { StreamLanes, type CallLane } from './stream-lanes';
import { decodeUsage } from './usage';
import { isAbsent, isEmpty, textMember } from '../openai/members';
import { DONE, idMember, reasoningOf } from './wire';

const READ_OF_DELTA: ReadonlySet<string> = new Set([
  ...['role', 'content', 'refusal', 'tool_calls', 'function_call', 'reasoning_content', 'reasoning'],
]);

/** Everything the decoder remembers from one event to the next. Created per reply. */
export interface ChatStreamState {
  phase: 'waiting' | 'streaming' | 'ended';
  id: string;
  model: string;
  lanes: StreamLanes;
  calls: CallTracker<CallLane>;
  hasRefusal: boolean;
  /** The upstream's word; undefined until it comes. */
  finishReason: string | undefined;
  /** vLLM, SGLang: the stop string that hit. */
  stopReason: JsonValue | undefined;
  /** The latest; some servers repeat it on every chunk, most send it once, before or after the finish. */
  usage: Usage | undefined;
  serviceTier: string | undefined;
  /** Features already reported; once per reply is enough. */
  lost: Set<string>;
}

/**
 * Chat chunks → canonical events.
 *
 * The reply is complete at `[DONE]`, or at a clean close after a `finish_reason` (some servers never send `[DONE]`).
 * `[DONE]` without any `finish_reason` counts as `stop`: the server said that it was done. Everything else that ends is
 * a truncation.
 */
export class ChatStreamDecoder implements StreamDecoder {
  readonly state: ChatStreamState;

  constructor(private readonly context: ReplyContext) {
    this.state = {
      phase: 'waiting',
      id: '',
      model: '',
      lanes: new StreamLanes(context.toolNames),
      calls: new CallTracker((position) => this.openCall(position)),
      hasRefusal: false,
      finishReason: undefined,
      stopReason: undefined,
      usage: undefined,
      serviceTier: undefined,
      lost: new Set(),
    };
  }

  push({ event, data }: SseEvent): StreamEvent[] {
    const out: StreamEvent[] = [];
    if (this.state.phase === 'ended') return out;
    if (data === DONE) {
      this.finish(out);
      return out;
    }
    const chunk = parse(data);
    if (!isJsonObject(chunk)) {
      this.fail({ kind: 'malformed', message: 'The upstream sent a chunk that is not a JSON object.' }, out);
      return out;
    }
    const error = decodeErrorValue(event === 'error' && isAbsent(chunk.error) ? { error: chunk } : chunk);
    if (error) this.fail({ kind: 'upstream', ...(error.type && { type: error.type }), message: error.message }, out);
    else this.readChunk(chunk, out);
    return out;
  }

  end(how: StreamEnd): StreamEvent[] {
    const out: StreamEvent[] = [];
    if (this.state.phase === 'ended') return out;
    if (how === 'completed' && this.state.finishReason !== undefined) this.finish(out);
    else if (how === 'aborted') this.fail({ kind: 'gateway', message: 'The reply was cut off by the gateway.' }, out);
    else
      this.fail({ kind: 'truncated', message: 'The upstream closed the stream before the reply was complete.' }, out);
    return out;
  }

  private readChunk(chunk: JsonObject, out: StreamEvent[]): void {
    const { state } = this;
    state.id ||= idMember(chunk);
    state.model ||= textMember(chunk, 'model') ?? '';
    state.usage = decodeUsage(chunk.usage) ?? state.usage;
    state.serviceTier = textMember(chunk, 'service_tier') ?? state.serviceTier;
    if (!Array.isArray(chunk.choices)) {
      if (isAbsent(chunk.usage)) this.lose('event', 'choices', out);
      return;
    }
    this.loseRest(chunk, READ_OF_REPLY, '', out);
    for (const choice of chunk.choices) {
      if (!isJsonObject(choice)) {
        this.fail({ kind: 'malformed', message: 'The upstream sent a choice that is not an object.' }, out);
        return;
      }
      if (typeof choice.index === 'number' && choice.index > 0) this.lose('n', `choices[${choice.index}]`, out);
      else this.readChoice(choice, out);
      if (this.hasEnded()) return;
    }
  }

  private readChoice(choice: JsonObject, out: StreamEvent[]): void {
    this.start(out);
    this.loseRest(choice, READ_OF_CHOICE, 'choices[0].', out);
    if (!isAbsent(choice.logprobs)) this.lose('logprobs', 'choices[0].logprobs', out);
    if (isJsonObject(choice.delta)) this.readDelta(choice.delta, out);
    if (this.hasEnded()) return;
    // Some servers send an empty word on every chunk but the last.
    const finishReason = textMember(choice, 'finish_reason') || undefined;
    const failure = finishReason && failedFinish(finishReason);
    if (failure) {
      this.fail({ kind: 'upstream', message: failure }, out);
      return;
    }
    this.state.finishReason = finishReason ?? this.state.finishReason;
    const stopReason = choice.stop_reason ?? choice.matched_stop;
    if (!isAbsent(stopReason)) this.state.stopReason = stopReason;
  }

  private readDelta(delta: JsonObject, out: StreamEvent[]): void {
    const { lanes } = this.state;
    const thinking = reasoningOf(delta);
    if (thinking) lanes.pushText('thinking', thinking, out);
    const { content, refusal } = delta;
    if (typeof content === 'string') {
      if (content !== '') lanes.pushText('text', content, out);
    } else if (!isAbsent(content)) {
      this.fail({ kind: 'malformed', message: 'The upstream sent content that is not text.' }, out);
      return;
    }
    if (typeof refusal === 'string' && refusal !== '') {
      this.state.hasRefusal = true;
      lanes.pushText('refusal', refusal, out);
    }
    const calls = callsOf(delta);
    for (const call of calls) if (!this.hasEnded()) this.readCall(call, out);
    if (calls.length === 0 && isJsonObject(delta.function_call)) {
      this.readCall({ index: 0, function: delta.function_call }, out);
    }
    this.loseRest(delta, READ_OF_DELTA, 'delta.', out);
  }

  private loseRest(record: JsonObject, read: ReadonlySet<string>, prefix: string, out: StreamEvent[]): void {
    for (const name in record)
      if (!read.has(name) && !isEmpty(record[name])) this.lose(`field.${name}`, `${prefix}${name}`, out);
  }

  private readCall(call: JsonValue, out: StreamEvent[]): void {
    if (!isJsonObject(call)) {
      this.fail({ kind: 'malformed', message: 'The upstream sent a tool call that is not an object.' }, out);
      return;
    }
    const custom = isJsonObject(call.custom);
    const details = custom ? call.custom : call.function;
    const record = isJsonObject(details) ? details : {};
    const id = idMember(call);
    const name = textMember(record, 'name') ?? '';
    const text = argumentsText(custom ? record.input : record.arguments);
    const lane = this.state.calls.callOf({ index: call.index, id, name, text: text ?? '' });
    lane.custom ||= custom || call.type === 'custom';
    // Once each: servers that repeat them on every chunk would otherwise double them.
    lane.id ||= id;
    lane.name ||= name;
    if (text === undefined || !this.state.lanes.pushArguments(lane, text, out)) {
      this.fail({ kind: 'malformed', message: 'The upstream sent tool arguments that belong to no open call.' }, out);
    }
  }

  private openCall(position: number): CallLane {
    const { state } = this;
    return state.lanes.openCall(fallbackCallId(state.id, position));
  }

  private start(out: StreamEvent[]): void {
    const { state } = this;
    if (state.phase !== 'waiting') return;
    state.phase = 'streaming';
    out.push({ type: 'start', id: state.id, model: state.model });
  }

  private finish(out: StreamEvent[]): void {
    const { state } = this;
    if (state.phase === 'waiting') {
      this.fail({ kind: 'truncated', message: 'The upstream ended the stream without a reply.' }, out);
      return;
    }
    if (!state.lanes.close(out)) {
      this.fail({ kind: 'malformed', message: 'The upstream sent a tool call without a name.' }, out);
      return;
    }
    const finish = decodeFinishReason(state.finishReason ?? 'stop', {
      hasToolCalls: state.calls.count > 0,
      hasRefusal: state.hasRefusal,
      stopReason: state.stopReason,
      stopSequences: this.context.stopSequences,
    });
    if (finish.unknown) this.lose('finish_reason', 'choices[0].finish_reason', out);
    state.phase = 'ended';
    out.push({
      type: 'finish',
      reason: finish.reason,
      ...(finish.stopSequence !== undefined && { stopSequence: finish.stopSequence }),
      ...(state.usage && { usage: state.usage }),
      ...(state.serviceTier !== undefined && { serviceTier: state.serviceTier }),
    });
  }

  private fail(error: StreamFailure, out: StreamEvent[]): void {
    this.state.phase = 'ended';
    out.push({ type: 'error', error });
  }

  private lose(feature: string, path: string, out: StreamEvent[]): void {
    if (this.state.lost.has(feature)) return;
    this.state.lost.add(feature);
    out.push({ type: 'loss', loss: { feature, path } });
  }

  private hasEnded(): boolean {
    return this.state.phase === 'ended';
  }
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    // Not an object either: the caller tells the two apart from a chunk, not from each other.
    return undefined;
  }
}
