import type { BlockStart, StreamEnd, StreamEvent, StreamFailure } from '../../stream-event';
import type { ReplyContext, StreamDecoder } from '../../dialect';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import type { Loss } from '../../loss';
import type { FinishReason } from '../../reply';
import type { SseEvent } from '../../sse/decoder';
import { openSignature } from '../../signature-envelope';
import type { Usage } from '../../usage';
import { decodeToolInput, isOtherCaller } from './convert-from-blocks';
import { decodeStreamError } from './errors';
import { decodeStopReason } from './map-stop-reason';
import { leftOver, READ_OF_MESSAGE } from './response';
import { mergeUsage } from './usage';
import { DIALECT_ID } from './wire';

/** What the stream has told so far. */
interface State {
  phase: 'fresh' | 'started' | 'ended';
  usage: Usage | undefined;
  /** `message_delta` told the output tokens. */
  usageIsFinal: boolean;
  /** The block that is open, at most one. */
  open: { index: number; kind: BlockStart['type'] } | undefined;
  sawToolCall: boolean;
  finish: FinishReason | undefined;
  stopSequence: string | undefined;
  serviceTier: string | undefined;
}

const READ_OF_MESSAGE_DELTA = new Set(['stop_reason', 'stop_sequence']);
const READ_OF_DELTA_EVENT = new Set(['type', 'delta', 'usage']);
const READ_OF_BLOCK: Readonly<Record<string, ReadonlySet<string> | undefined>> = {
  text: new Set(['type', 'text', 'citations']),
  thinking: new Set(['type', 'thinking', 'signature']),
  redacted_thinking: new Set(['type', 'data']),
  tool_use: new Set(['type', 'id', 'name', 'input', 'caller']),
};

/**
 * Messages SSE to canonical events. What it does not know becomes a loss; what breaks the protocol ends the stream as
 * `malformed`, and nothing follows. Created per reply.
 */
export class AnthropicStreamDecoder implements StreamDecoder {
  private readonly state: State = {
    phase: 'fresh',
    usage: undefined,
    usageIsFinal: false,
    open: undefined,
    sawToolCall: false,
    finish: undefined,
    stopSequence: undefined,
    serviceTier: undefined,
  };

  constructor(private readonly context: ReplyContext) {}

  push(event: SseEvent): StreamEvent[] {
    if (this.state.phase === 'ended') return [];
    let body: JsonValue;
    try {
      body = JSON.parse(event.data) as JsonValue;
    } catch {
      return this.malformed('an event is not JSON');
    }
    if (!isJsonObject(body)) return this.malformed('an event is not an object');
    return this.read(typeof body['type'] === 'string' ? body['type'] : (event.event ?? ''), body);
  }

  end(how: StreamEnd): StreamEvent[] {
    if (this.state.phase === 'ended') return [];
    const message =
      how === 'aborted'
        ? 'The reply was stopped before it was complete'
        : 'The upstream closed the stream before the reply was complete';
    return this.fail({ kind: 'truncated', message });
  }

  private read(type: string, body: JsonObject): StreamEvent[] {
    if (type === 'error' || isJsonObject(body['error'])) return this.fail(decodeStreamError(body));
    if (type === 'ping') return [{ type: 'ping' }];
    if (type === 'message_start') return this.messageStart(body);
    if (this.state.phase === 'fresh' && type.startsWith('content_block'))
      return this.malformed(`${type} before message_start`);
    switch (type) {
      case 'content_block_start':
        return this.blockStart(body);
      case 'content_block_delta':
        return this.blockDelta(body);
      case 'content_block_stop':
        return this.blockStop(body);
      case 'message_delta':
        return this.messageDelta(body);
      case 'message_stop':
        return this.messageStop();
      default:
        return [{ type: 'loss', loss: { feature: `event.${type || 'unknown'}`, path: type || 'event' } }];
    }
  }

  private messageStart(body: JsonObject): StreamEvent[] {
    const { state } = this;
    if (state.phase !== 'fresh') return this.malformed('a second message_start');
    const message = body['message'];
    if (!isJsonObject(message)) return this.malformed('message_start without a message');
    state.phase = 'started';
    if (isJsonObject(message['usage'])) this.takeUsage(message['usage']);
    const start: StreamEvent & { type: 'start' } = {
      type: 'start',
      id: text(message['id']),
      model: text(message['model']),
    };
    if (state.usage !== undefined) start.usage = state.usage;
    return [start, ...lossEvents(leftOver(message, READ_OF_MESSAGE, ''))];
  }

  private blockStart(body: JsonObject): StreamEvent[] {
    const { state } = this;
    const block = body['content_block'];
    const index = body['index'];
    if (!isJsonObject(block) || typeof index !== 'number') return this.malformed('content_block_start without a block');
    // Some compatible servers leave content_block_stop out; the next block says as much.
    const events: StreamEvent[] = state.open === undefined ? [] : [{ type: 'block-stop' }];
    const started = startOf(block, this.context.toolNames);
    state.open = { index, kind: started.type };
    if (started.type === 'tool-call') state.sawToolCall = true;
    events.push(
      { type: 'block-start', block: started },
      ...initialDeltas(block),
      ...lossEvents(lostOfBlock(block, index)),
    );
    return events;
  }

  private blockDelta(body: JsonObject): StreamEvent[] {
    const { open } = this.state;
    const delta = body['delta'];
    if (!isJsonObject(delta)) return this.malformed('content_block_delta without a delta');
    if (open === undefined || body['index'] !== open.index)
      return this.malformed('a delta for a block that is not open');
    const type = text(delta['type']);
    const home = HOME_OF_DELTA[type];
    if (home === undefined)
      return [{ type: 'loss', loss: { feature: `delta.${type || 'unknown'}`, path: `content[${open.index}]` } }];
    if (open.kind !== home && open.kind !== 'opaque') return this.malformed(`${type} in a ${open.kind} block`);
    return readDelta(type, delta);
  }

  private blockStop(body: JsonObject): StreamEvent[] {
    const { state } = this;
    if (state.open === undefined || body['index'] !== state.open.index)
      return this.malformed('the end of a block that is not open');
    state.open = undefined;
    return [{ type: 'block-stop' }];
  }

  private messageDelta(body: JsonObject): StreamEvent[] {
    const { state } = this;
    const usage = body['usage'];
    if (isJsonObject(usage)) {
      this.takeUsage(usage);
      state.usageIsFinal ||= typeof usage['output_tokens'] === 'number';
    }
    const losses = leftOver(body, READ_OF_DELTA_EVENT, '');
    const delta = body['delta'];
    if (!isJsonObject(delta)) return lossEvents(losses);
    losses.push(...leftOver(delta, READ_OF_MESSAGE_DELTA, ''));
    const word = delta['stop_reason'];
    if (typeof word === 'string') {
      state.finish = decodeStopReason(word);
      if (state.finish === undefined) losses.push({ feature: `stop_reason.${word}`, path: 'stop_reason' });
    }
    if (typeof delta['stop_sequence'] === 'string') state.stopSequence = delta['stop_sequence'];
    return lossEvents(losses);
  }

  private messageStop(): StreamEvent[] {
    const { state } = this;
    if (state.phase === 'fresh') return this.malformed('message_stop before message_start');
    const events: StreamEvent[] = state.open === undefined ? [] : [{ type: 'block-stop' }];
    const finish: StreamEvent & { type: 'finish' } = {
      type: 'finish',
      reason: state.finish ?? (state.sawToolCall ? 'tool-calls' : 'stop'),
    };
    if (state.stopSequence !== undefined) finish.stopSequence = state.stopSequence;
    if (state.usage !== undefined) finish.usage = state.usage;
    if (state.usage !== undefined && !state.usageIsFinal) finish.usageIsPartial = true;
    if (state.serviceTier !== undefined) finish.serviceTier = state.serviceTier;
    state.phase = 'ended';
    events.push(finish);
    return events;
  }

  private takeUsage(usage: JsonObject): void {
    this.state.usage = mergeUsage(this.state.usage, usage);
    if (typeof usage['service_tier'] === 'string') this.state.serviceTier = usage['service_tier'];
  }

  private malformed(what: string): StreamEvent[] {
    return this.fail({ kind: 'malformed', message: `The upstream broke the stream protocol: ${what}` });
  }

  private fail(error: StreamFailure): StreamEvent[] {
    this.state.phase = 'ended';
    return [{ type: 'error', error }];
  }
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function lossEvents(losses: readonly Loss[]): StreamEvent[] {
  return losses.map((loss) => ({ type: 'loss', loss }));
}

/** Other blocks go along whole, or are lost whole. */
function lostOfBlock(block: JsonObject, index: number): Loss[] {
  const read = READ_OF_BLOCK[text(block['type'])];
  const path = `content[${index}]`;
  const losses = read === undefined ? [] : leftOver(block, read, path);
  return isOtherCaller(block['caller']) ? [...losses, { feature: 'field.caller', path: `${path}.caller` }] : losses;
}

function startOf(block: JsonObject, toolNames: ReadonlyMap<string, string>): BlockStart {
  switch (block['type']) {
    case 'text':
      return { type: 'text' };
    case 'thinking':
      return { type: 'thinking' };
    case 'redacted_thinking':
      return redactedThinking(text(block['data']));
    case 'tool_use': {
      const name = text(block['name']);
      return { type: 'tool-call', id: text(block['id']), name: toolNames.get(name) ?? name };
    }
    default:
      return { type: 'opaque', dialect: DIALECT_ID, wire: block };
  }
}

function redactedThinking(sealed: string): BlockStart {
  const { signature, signedBy } = openSignature(sealed, DIALECT_ID);
  return { type: 'redacted-thinking', data: signature, signedBy };
}

/** What compatible servers put into the start of a block instead of a delta. */
function initialDeltas(block: JsonObject): StreamEvent[] {
  switch (block['type']) {
    case 'text':
      return [
        ...readDelta('text_delta', block),
        ...(Array.isArray(block['citations']) ? block['citations'] : []).map((citation): StreamEvent => ({
          type: 'citation',
          citation,
        })),
      ];
    case 'thinking':
      return [...readDelta('thinking_delta', block), ...readDelta('signature_delta', block)];
    case 'tool_use': {
      const json = decodeToolInput(block['input']);
      return json === '' || json === '{}' ? [] : [{ type: 'arguments-delta', json }];
    }
    default:
      return [];
  }
}

const HOME_OF_DELTA: Readonly<Record<string, BlockStart['type'] | undefined>> = {
  text_delta: 'text',
  citations_delta: 'text',
  thinking_delta: 'thinking',
  signature_delta: 'thinking',
  input_json_delta: 'tool-call',
};

/** Empty deltas say nothing, and the API opens every tool call with one. */
function readDelta(type: string, delta: JsonObject): StreamEvent[] {
  switch (type) {
    case 'text_delta':
      return text(delta['text']) === '' ? [] : [{ type: 'text-delta', text: text(delta['text']) }];
    case 'thinking_delta':
      return text(delta['thinking']) === '' ? [] : [{ type: 'thinking-delta', text: text(delta['thinking']) }];
    case 'signature_delta':
      return readSignature(text(delta['signature']));
    case 'input_json_delta':
      return text(delta['partial_json']) === '' ? [] : [{ type: 'arguments-delta', json: text(delta['partial_json']) }];
    case 'citations_delta':
      return delta['citation'] === undefined ? [] : [{ type: 'citation', citation: delta['citation'] }];
    default:
      return [];
  }
}

function readSignature(sealed: string): StreamEvent[] {
  return sealed === '' ? [] : [{ type: 'signature-delta', ...openSignature(sealed, DIALECT_ID) }];
}
