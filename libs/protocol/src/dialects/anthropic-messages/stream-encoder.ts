import type { EncodeContext, StreamEncoder } from '../../dialect';
import type { JsonObject } from '../../json';
import type { Loss } from '../../loss';
import type { BlockStart, StreamEvent } from '../../stream-event';
import { formatSseEvent } from '../../sse/encoder';
import { emptyUsage, type Usage } from '../../usage';
import { isCitation } from './convert-to-blocks';
import { encodeStreamFailure } from './errors';
import { encodeStopReason } from './map-stop-reason';
import { opaqueFeature, sealed } from './response';
import { encodeInputUsage, encodeOutputUsage, sameInputUsage } from './usage';
import { DIALECT_ID, type StreamEventName } from './wire';

export const PING = formatSseEvent('ping', '{"type":"ping"}');

/** Served as every request is that asks for nothing else. */
const USUAL_TIERS: ReadonlySet<string> = new Set(['auto', 'default', 'standard']);

interface State {
  phase: 'fresh' | 'started' | 'ended';
  /** Of the block that is open, or of the next one. */
  index: number;
  /** Inside a block this dialect has no words for: its deltas go with it. */
  skipping: boolean;
  sawRefusal: boolean;
  /** A signature of the block that is open has begun: what follows goes into the same envelope. */
  sawSignature: boolean;
  /** The input as `message_start` told it. */
  startUsage: Usage;
}

/** Canonical events to Messages SSE. Relies on the grammar of `StreamEvent`. Created per reply. */
export class AnthropicStreamEncoder implements StreamEncoder {
  readonly losses: Loss[] = [];
  private readonly state: State = {
    phase: 'fresh',
    index: 0,
    skipping: false,
    sawRefusal: false,
    sawSignature: false,
    startUsage: emptyUsage(),
  };

  constructor(private readonly context: EncodeContext) {}

  push(event: StreamEvent): string {
    if (this.state.phase === 'ended') return '';
    switch (event.type) {
      case 'text-delta':
      case 'refusal-delta':
        return this.delta(`{"type":"text_delta","text":${JSON.stringify(event.text)}}`);
      case 'arguments-delta':
        return this.delta(`{"type":"input_json_delta","partial_json":${JSON.stringify(event.json)}}`);
      case 'thinking-delta':
        return this.delta(`{"type":"thinking_delta","thinking":${JSON.stringify(event.text)}}`);
      case 'signature-delta':
        return this.signature(event);
      case 'citation':
        if (isCitation(event.citation))
          return this.delta(`{"type":"citations_delta","citation":${JSON.stringify(event.citation)}}`);
        this.losses.push({ feature: 'citations', path: `content[${this.state.index}].citations` });
        return '';
      case 'block-start':
        return this.blockStart(event.block);
      case 'block-stop':
        return this.blockStop();
      case 'start':
        return this.start(event);
      case 'finish':
        return this.finish(event);
      case 'error':
        this.state.phase = 'ended';
        return encodeStreamFailure(event.error);
      case 'ping':
        return PING;
      case 'loss':
        this.losses.push(event.loss);
        return '';
    }
  }

  /**
   * `usage` must be there, or the SDKs crash. Output starts at 0, because LangChain adds this to the final figure; the input
   * is guessed where it is not known yet, because LangChain never reads it again.
   */
  private start(event: StreamEvent & { type: 'start' }): string {
    const { state, context } = this;
    state.phase = 'started';
    if (event.usage !== undefined) state.startUsage = event.usage;
    else if (context.likelyInputTokens !== undefined) state.startUsage.inputTokens = context.likelyInputTokens;
    const message = {
      id: event.id === '' ? context.id : event.id,
      type: 'message',
      role: 'assistant',
      model: context.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...encodeInputUsage(state.startUsage), output_tokens: 0 },
    };
    return format('message_start', { message });
  }

  private blockStart(block: BlockStart): string {
    const { state } = this;
    const wire = startWire(block);
    if (block.type === 'refusal') state.sawRefusal = true;
    state.sawSignature = false;
    state.skipping = wire === undefined;
    if (wire !== undefined) return format('content_block_start', { index: state.index, content_block: wire });
    if (block.type === 'opaque')
      this.losses.push({ feature: opaqueFeature(block.wire), path: `content[${state.index}]` });
    return '';
  }

  /** The hot path: one template, one JSON.stringify of the text. */
  private delta(delta: string): string {
    const { state } = this;
    if (state.skipping) return '';
    return `event: content_block_delta\ndata: {"type":"content_block_delta","index":${state.index},"delta":${delta}}\n\n`;
  }

  private signature({ signature, signedBy }: StreamEvent & { type: 'signature-delta' }): string {
    const { state } = this;
    const shown = state.sawSignature ? signature : sealed(signature, signedBy);
    state.sawSignature = true;
    return this.delta(`{"type":"signature_delta","signature":${JSON.stringify(shown)}}`);
  }

  private blockStop(): string {
    const { state } = this;
    if (state.skipping) {
      state.skipping = false;
      return '';
    }
    return format('content_block_stop', { index: state.index++ });
  }

  private finish(event: StreamEvent & { type: 'finish' }): string {
    const { state } = this;
    state.phase = 'ended';
    // `message_start` tells the tier, and that is gone.
    if (event.serviceTier !== undefined && !USUAL_TIERS.has(event.serviceTier))
      this.losses.push({ feature: 'service_tier', path: 'service_tier' });
    const usage = event.usage ?? state.startUsage;
    const learntLate = !sameInputUsage(usage, state.startUsage);
    const reason = event.reason === 'stop' && state.sawRefusal ? 'refusal' : event.reason;
    const delta = { stop_reason: encodeStopReason(reason), stop_sequence: event.stopSequence ?? null };
    const end = { delta, usage: { ...(learntLate && encodeInputUsage(usage)), ...encodeOutputUsage(usage) } };
    return format('message_delta', end) + format('message_stop', {});
  }
}

function format(type: StreamEventName, members: JsonObject): string {
  return formatSseEvent(type, JSON.stringify({ type, ...members }));
}

function startWire(block: BlockStart): JsonObject | undefined {
  switch (block.type) {
    case 'text':
    case 'refusal':
      return { type: 'text', text: '' };
    case 'thinking':
      return { type: 'thinking', thinking: '', signature: '' };
    case 'redacted-thinking':
      return { type: 'redacted_thinking', data: sealed(block.data, block.signedBy) };
    case 'tool-call':
      return { type: 'tool_use', id: block.id, name: block.name, input: {} };
    case 'opaque':
      return block.dialect === DIALECT_ID ? block.wire : undefined;
  }
}
