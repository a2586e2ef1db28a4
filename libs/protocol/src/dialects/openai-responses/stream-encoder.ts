import type { EncodeContext, StreamEncoder } from '../../dialect';
import type { JsonObject, JsonValue } from '../../json';
import type { Loss } from '../../loss';
import { formatSseComment } from '../../sse/encoder';
import type { BlockStart, StreamEvent } from '../../stream-event';
import { emptyUsage } from '../../usage';
import { errorEvent, failedEvent, failureOfStream } from './errors';
import { encodeStatus, finishLoss } from './map-status';
import { opaqueFeature } from './output-writer';
import type { ResponseStatus } from './reply-wire';
import { encodeServedTier } from './response';
import { itemId, responseShell, wholeItem } from './response-shell';
import { sealRedacted } from './sealed-thinking';
import { CallOpening, MessageOpening, ReasoningOpening, WholeItem, type OpenItem } from './stream-openings';
import { StreamWriter } from './stream-writer';
import { encodeUsage } from './usage';
import { DIALECT_ID } from './wire';

/** A comment: any event that `responses.stream()` does not know makes it throw. */
export const KEEPALIVE = formatSseComment('keepalive');

/** What the encoder remembers from one event to the next. */
interface State {
  ended: boolean;
  /** The item that is open. A message stays open for the texts that follow, and every item until what follows is known. */
  item: OpenItem | undefined;
  /** Inside a block this dialect has no words for: its deltas go with it. */
  skipping: boolean;
  hasRefusal: boolean;
}

/**
 * Canonical events → Responses SSE. Relies on the grammar of `StreamEvent`. The terminal event repeats the whole output,
 * so every item is kept, as the JSON text that its `output_item.done` has. Created per reply.
 */
export class ResponsesStreamEncoder implements StreamEncoder {
  readonly losses: Loss[] = [];
  private readonly state: State = { ended: false, item: undefined, skipping: false, hasRefusal: false };
  private readonly writer = new StreamWriter();

  constructor(private readonly context: EncodeContext) {}

  push(event: StreamEvent): string {
    const { state } = this;
    if (state.ended) return '';
    switch (event.type) {
      case 'text-delta':
      case 'thinking-delta':
      case 'refusal-delta':
        return this.delta(event.text);
      case 'arguments-delta':
        return this.delta(event.json);
      case 'signature-delta':
        if (!state.skipping) state.item?.sign(event.signature, event.signedBy);
        return '';
      case 'citation':
        if (!state.skipping) state.item?.cite(event.citation);
        return '';
      case 'block-start':
        return this.blockStart(event.block);
      case 'block-stop':
        return this.blockStop();
      case 'start':
        return this.start();
      case 'finish':
        return this.finish(event);
      case 'error':
        return this.fail(event);
      case 'ping':
        return KEEPALIVE;
      case 'loss':
        this.losses.push(event.loss);
        return '';
    }
  }

  private delta(text: string): string {
    return this.state.skipping || text === '' ? '' : (this.state.item?.delta(text) ?? '');
  }

  private start(): string {
    const response = JSON.stringify(responseShell(this.context));
    return (
      this.writer.lifecycle('response.created', response) + this.writer.lifecycle('response.in_progress', response)
    );
  }

  private blockStart(block: BlockStart): string {
    const { state, writer } = this;
    if (block.type === 'refusal') state.hasRefusal = true;
    if (block.type === 'text' || block.type === 'refusal') {
      if (state.item instanceof MessageOpening) return state.item.openPart(block.type);
      const closed = this.closeItem('completed');
      const message = new MessageOpening(writer, this.itemId('msg'), this.losses);
      state.item = message;
      return closed + message.open() + message.openPart(block.type);
    }
    const closed = this.closeItem('completed');
    state.item = this.openingOf(block);
    state.skipping = state.item === undefined;
    return closed + (state.item?.open() ?? '');
  }

  private openingOf(block: BlockStart): OpenItem | undefined {
    const { writer } = this;
    switch (block.type) {
      case 'thinking':
        return new ReasoningOpening(writer, this.itemId('rs'));
      case 'redacted-thinking':
        return new ReasoningOpening(writer, this.itemId('rs'), sealRedacted(block.data, block.signedBy));
      case 'tool-call': {
        const call = { id: block.id, name: block.name, custom: block.custom === true };
        return new CallOpening(writer, call, (prefix) => this.itemId(prefix));
      }
      case 'opaque':
        if (block.dialect === DIALECT_ID)
          return new WholeItem(
            writer,
            wholeItem(block.wire, (prefix) => this.itemId(prefix)),
          );
        this.losses.push({ feature: opaqueFeature(block.wire), path: `output[${writer.items.length}]` });
        return undefined;
      default:
        return undefined;
    }
  }

  private blockStop(): string {
    const { state } = this;
    if (!state.skipping) return state.item?.closeBlock() ?? '';
    state.skipping = false;
    return '';
  }

  /** @param status of the response as far as it is known: an item that the end cut off is incomplete */
  private closeItem(status: ResponseStatus): string {
    const { item } = this.state;
    this.state.item = undefined;
    return item?.close(status) ?? '';
  }

  private finish({ reason, usage, serviceTier }: StreamEvent & { type: 'finish' }): string {
    const { context, state, writer } = this;
    const { status, incompleteDetails } = encodeStatus(reason, state.hasRefusal);
    const closed = this.closeItem(status);
    state.ended = true;
    const endLoss = finishLoss(reason);
    if (endLoss) this.losses.push(endLoss);
    const response = this.responseText({
      status,
      incomplete_details: incompleteDetails,
      output_text: writer.text,
      service_tier: encodeServedTier(serviceTier),
      usage: encodeUsage(usage ?? emptyUsage(), context.costUsd),
    });
    return closed + writer.lifecycle(`response.${status}`, response);
  }

  private responseText(end: JsonObject): string {
    const head: JsonObject = { ...responseShell(this.context), ...end };
    delete head.output;
    return `${JSON.stringify(head).slice(0, -1)},"output":[${this.writer.items.join(',')}]}`;
  }

  private fail({ error }: StreamEvent & { type: 'error' }): string {
    this.state.ended = true;
    const output = this.writer.items.map((item) => JSON.parse(item) as JsonValue);
    const response = { ...responseShell(this.context), output };
    const failure = failureOfStream(error);
    const number = this.writer.sequenceNumber;
    return errorEvent(failure, number) + failedEvent(response, failure, number + 1);
  }

  private itemId(prefix: string): string {
    return itemId(prefix, this.context, this.writer.items.length);
  }
}
