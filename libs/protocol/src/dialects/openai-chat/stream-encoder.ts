import type { EncodeContext, StreamEncoder } from '../../dialect';
import type { JsonObject } from '../../json';
import type { Loss } from '../../loss';
import { formatSseComment, formatSseEvent } from '../../sse/encoder';
import type { BlockStart, StreamEvent } from '../../stream-event';
import { encodeStreamFailure } from './errors';
import { encodeFinishReason, finishLoss } from './map-finish-reason';
import { encodeServedTier } from './response';
import { encodeUsage } from './usage';
import { CHUNK_OBJECT, DONE } from './wire';

export const KEEPALIVE = formatSseComment('keepalive');

/** What the encoder remembers from one event to the next. Created per reply. */
export interface ChatEncoderState {
  /** Kind of the block that is open. Deltas of an opaque block belong to what was lost. */
  open: BlockStart['type'] | undefined;
  openIsCustom: boolean;
  /** A call without arguments still needs JSON. */
  openHasArguments: boolean;
  callCount: number;
  hasRefusal: boolean;
  /** Text before the delta, the same for every chunk of a reply. */
  prefix: string;
}

/** Canonical events → Chat chunks. One event is one chunk, but for what has no counterpart. */
export class ChatStreamEncoder implements StreamEncoder {
  readonly losses: Loss[] = [];
  readonly state: ChatEncoderState;
  /** OpenAI puts `usage: null` on every chunk of a stream that will end in usage. */
  private readonly suffix: string;

  constructor(private readonly context: EncodeContext) {
    this.suffix = context.includeUsage ? ',"usage":null}\n\n' : '}\n\n';
    this.state = {
      open: undefined,
      openIsCustom: false,
      openHasArguments: false,
      callCount: 0,
      hasRefusal: false,
      prefix: this.prefixOf(context.id),
    };
  }

  push(event: StreamEvent): string {
    switch (event.type) {
      case 'start':
        if (event.id !== '') this.state.prefix = this.prefixOf(event.id);
        return this.delta({ role: 'assistant', content: '', refusal: null });
      case 'block-start':
        return this.startBlock(event.block);
      case 'text-delta':
        return this.delta({ content: event.text });
      case 'thinking-delta':
        return this.delta({ reasoning_content: event.text });
      case 'refusal-delta':
        this.state.hasRefusal = true;
        return this.delta({ refusal: event.text });
      case 'arguments-delta':
        return this.argumentsDelta(event.json);
      case 'signature-delta':
        return this.lose('thinking.signature');
      case 'citation':
        return this.lose('citations');
      case 'block-stop':
        return this.stopBlock();
      case 'finish':
        return this.finish(event);
      case 'error':
        return encodeStreamFailure(event.error);
      case 'ping':
        return KEEPALIVE;
      case 'loss':
        this.losses.push(event.loss);
        return '';
    }
  }

  private startBlock(block: BlockStart): string {
    const { state } = this;
    state.open = block.type;
    switch (block.type) {
      case 'text':
      case 'thinking':
      case 'refusal':
        return '';
      case 'redacted-thinking':
        return this.lose('redacted_thinking');
      case 'opaque':
        return this.lose(`block.${typeof block.wire.type === 'string' ? block.wire.type : 'unknown'}`);
      case 'tool-call': {
        const { id, name, custom = false } = block;
        state.openIsCustom = custom;
        state.openHasArguments = false;
        const details: JsonObject = custom
          ? { type: 'custom', custom: { name, input: '' } }
          : { type: 'function', function: { name, arguments: '' } };
        return this.delta({ tool_calls: [{ index: state.callCount++, id, ...details }] });
      }
    }
  }

  private argumentsDelta(json: string): string {
    const { state } = this;
    if (state.open !== 'tool-call') return '';
    state.openHasArguments ||= json !== '';
    const details: JsonObject = state.openIsCustom ? { custom: { input: json } } : { function: { arguments: json } };
    return this.delta({ tool_calls: [{ index: state.callCount - 1, ...details }] });
  }

  private stopBlock(): string {
    const { state } = this;
    const needsArguments = state.open === 'tool-call' && !state.openIsCustom && !state.openHasArguments;
    const text = needsArguments ? this.argumentsDelta('{}') : '';
    state.open = undefined;
    return text;
  }

  private finish({ reason, stopSequence, usage, serviceTier }: StreamEvent & { type: 'finish' }): string {
    const { context, state } = this;
    const endLoss = finishLoss(reason);
    if (endLoss) this.losses.push(endLoss);
    const word = encodeFinishReason(reason, state.hasRefusal);
    const stopReason = stopSequence === undefined ? '' : `,"stop_reason":${JSON.stringify(stopSequence)}`;
    const tier = serviceTier === undefined ? '' : `,"service_tier":${JSON.stringify(encodeServedTier(serviceTier))}`;
    let text = `${state.prefix}{},"logprobs":null,"finish_reason":"${word}"${stopReason}}]${tier}${this.suffix}`;
    if (context.includeUsage && usage) text += this.usageChunk(encodeUsage(usage, context.costUsd));
    return text + formatSseEvent(undefined, DONE);
  }

  private usageChunk(usage: JsonObject): string {
    const { prefix } = this.state;
    return `${prefix.slice(0, prefix.lastIndexOf('[') + 1)}],"usage":${JSON.stringify(usage)}}\n\n`;
  }

  /** Built by hand: the frame around a delta is most of the bytes and never changes. */
  private delta(delta: JsonObject): string {
    return `${this.state.prefix}${JSON.stringify(delta)},"logprobs":null,"finish_reason":null}]${this.suffix}`;
  }

  private prefixOf(id: string): string {
    const head = JSON.stringify({
      id,
      object: CHUNK_OBJECT,
      created: this.context.createdAtSeconds,
      model: this.context.model,
    });
    return `data: ${head.slice(0, -1)},"choices":[{"index":0,"delta":`;
  }

  private lose(feature: string): string {
    this.losses.push({ feature, path: 'stream' });
    return '';
  }
}
