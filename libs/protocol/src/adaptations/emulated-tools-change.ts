import type { Part } from '../conversation';
import { fieldFeature, type Loss } from '../loss';
import type { FinishReason, Reply } from '../reply';
import type { BlockStart, StreamEvent } from '../stream-event';
import type { AdaptedReply, ReplyChange, StreamAdapter } from './change';
import type { CallNaming } from './emulated-calls-reader';
import { EmulatedReplyReader } from './emulated-reply-reader';

/** Stands in for a part that is none of the emulation's business. */
const PASSED = 'passed';

/** What of the request the reply is read with. */
export interface Emulated {
  /** Name of a tool as the model was told it → the client's own. */
  ownNames: ReadonlyMap<string, string>;
  /** Calls there have been before: ids must differ even where an upstream gives its replies none. */
  callCount: number;
}

/** What a model writes in place of tool calls, as the calls it means. */
export class EmulatedToolsChange implements ReplyChange {
  readonly name = 'emulated-tools';

  constructor(private readonly emulated: Emulated) {}

  /** By the way of the stream, so that both come to the same. */
  reply(reply: Reply): AdaptedReply {
    const stream = new EmulatedToolsStream(this.emulated);
    const events = stream.push({ type: 'start', id: reply.id, model: reply.model });
    reply.parts.forEach((part, index) => {
      const block: BlockStart =
        part.type === 'text' ? { type: 'text' } : { type: 'opaque', dialect: PASSED, wire: { index } };
      events.push(...stream.push({ type: 'block-start', block }));
      if (part.type === 'text') {
        events.push(...stream.push({ type: 'text-delta', text: part.text }));
        for (const citation of part.citations ?? []) events.push(...stream.push({ type: 'citation', citation }));
      }
      events.push(...stream.push({ type: 'block-stop' }));
    });
    events.push(...stream.push({ type: 'finish', reason: reply.finish }));
    return collect(reply, events);
  }

  stream(): StreamAdapter {
    return new EmulatedToolsStream(this.emulated);
  }
}

function collect(reply: Reply, events: readonly StreamEvent[]): AdaptedReply {
  const losses: Loss[] = [];
  const parts: Part[] = [];
  let finish: FinishReason = reply.finish;
  for (const event of events) {
    const last = parts.at(-1);
    if (event.type === 'block-start') parts.push(startPart(event.block, reply));
    else if (event.type === 'text-delta' && last?.type === 'text') last.text += event.text;
    else if (event.type === 'arguments-delta' && last?.type === 'tool-call') last.arguments += event.json;
    else if (event.type === 'loss') losses.push(event.loss);
    else if (event.type === 'finish') finish = event.reason;
  }
  reply.parts.forEach((part) => {
    if (part.type !== 'text') return;
    for (const { path } of part.unmapped ?? []) losses.push({ feature: fieldFeature(path), path });
  });
  const { logprobs, ...rest } = reply;
  // They are of the tokens of the JSON.
  if (logprobs !== undefined) losses.push({ feature: 'logprobs', path: 'logprobs' });
  return { ok: true, value: { ...rest, parts, finish }, losses };
}

function startPart(block: BlockStart, reply: Reply): Part {
  if (block.type === 'tool-call') return { type: 'tool-call', id: block.id, name: block.name, arguments: '' };
  const index = block.type === 'opaque' && block.dialect === PASSED ? block.wire.index : undefined;
  return (typeof index === 'number' ? reply.parts[index] : undefined) ?? { type: 'text', text: '' };
}

class EmulatedToolsStream implements StreamAdapter, CallNaming {
  private id = '';
  private callCount = 0;
  /** The upstream's text block is open. */
  private isReading = false;
  /** What is open towards the client because of it. */
  private open: 'text' | 'call' | undefined;
  /** Whole blocks that came in the middle of a call. */
  private waiting: StreamEvent[] = [];
  private out: StreamEvent[] = [];
  private readonly reader: EmulatedReplyReader;

  constructor(private readonly emulated: Emulated) {
    this.reader = new EmulatedReplyReader(this, (event) => this.said(event));
  }

  nextId(): string {
    const reply = this.id.replace(/[^a-zA-Z0-9_-]/g, '_');
    return `call_${reply}_${this.emulated.callCount + this.callCount++}`;
  }

  ownName(sent: string): string {
    return this.emulated.ownNames.get(sent) ?? sent;
  }

  push(event: StreamEvent): StreamEvent[] {
    this.out = [];
    this.read(event);
    return this.out;
  }

  private read(event: StreamEvent): void {
    switch (event.type) {
      case 'start':
        this.id = event.id;
        this.out.push(event);
        return;
      case 'error':
      case 'ping':
      case 'loss':
        this.out.push(event);
        return;
      case 'finish':
        this.reader.end();
        this.closeText();
        this.out.push(event.reason === 'stop' && this.callCount > 0 ? { ...event, reason: 'tool-calls' } : event);
        return;
      case 'block-start':
        if (event.block.type === 'text') this.isReading = true;
        else this.pass(event);
        return;
      default:
        if (this.isReading) this.readText(event);
        else this.pass(event);
    }
  }

  private readText(event: StreamEvent): void {
    if (event.type === 'text-delta') this.reader.push(event.text);
    else if (event.type === 'block-stop') this.isReading = false;
    // It points into the JSON.
    else if (event.type === 'citation') this.lose('citations');
  }

  private pass(event: StreamEvent): void {
    if (this.open === 'call') {
      this.waiting.push(event);
      return;
    }
    this.closeText();
    this.out.push(event);
  }

  private said(event: StreamEvent): void {
    switch (event.type) {
      case 'text-delta':
        if (this.open !== 'text') this.out.push({ type: 'block-start', block: { type: 'text' } });
        this.open = 'text';
        this.out.push(event);
        return;
      case 'block-start':
        this.closeText();
        this.open = 'call';
        this.out.push(event);
        return;
      case 'block-stop':
        this.open = undefined;
        this.out.push(event, ...this.waiting);
        this.waiting = [];
        return;
      default:
        this.out.push(event);
    }
  }

  private closeText(): void {
    if (this.open === 'text') this.out.push({ type: 'block-stop' });
    this.open = undefined;
  }

  private lose(feature: string): void {
    this.out.push({ type: 'loss', loss: { feature, path: 'stream' } });
  }
}
