import { partBytes, type Answer, type Part } from '../answer';
import type { ApiFailure } from '../api-failure';
import { FrameList, pieces, type Frame } from '../frames';
import type { JsonObject } from '../json';
import { contentPart, endedResponse, item, itemStatus, response, type ReplyContext } from './reply';
import { sse } from './sse';

type CallPart = Part & { kind: 'call' };

/** The same reply as the events of a stream. */
export function responseFrames(answer: Answer, context: ReplyContext): Frame[] {
  const stream = new Events(context);
  stream.add('response.created', { response: response(context, 'in_progress') });
  stream.add('response.in_progress', { response: response(context, 'in_progress') });
  const { parts } = answer;
  const calls = parts.flatMap((part, at) => (part.kind === 'call' ? [{ part, at }] : []));
  parts.forEach((part, at) => {
    if (part.kind === 'call' && context.scenario.interleave) return;
    const writer = new ItemWriter(stream, answer, at);
    writer.begin();
    for (const piece of writer.pieces()) writer.delta(piece);
    writer.end();
  });
  if (context.scenario.interleave) interleave(calls.map(({ at }) => new ItemWriter(stream, answer, at)));
  const ended = endedResponse(answer, context);
  stream.add(`response.${String(ended['status'])}`, { response: ended });
  return stream.frames.build(answer.usage.output);
}

/** What the API says when it breaks down after `sent` events. */
export function failureFrames(failure: ApiFailure, sent: number, context: ReplyContext): string {
  const { message } = failure;
  const code = failure.type ?? 'server_error';
  const failed = { ...response(context, 'failed'), error: { code, message } };
  return sse('error', sent, { code, message, param: null }) + sse('response.failed', sent + 1, { response: failed });
}

function interleave(writers: ItemWriter[]): void {
  for (const writer of writers) writer.begin();
  const queues = writers.map((writer) => writer.pieces());
  const rounds = Math.max(0, ...queues.map((queue) => queue.length));
  for (let round = 0; round < rounds; round += 1) {
    writers.forEach((writer, index) => {
      const piece = queues[index]?.[round];
      if (piece !== undefined) writer.delta(piece);
    });
  }
  for (const writer of writers) writer.end();
}

/** Numbers the events. Created per reply. */
class Events {
  readonly frames = new FrameList();
  private sequence = 0;

  constructor(readonly context: ReplyContext) {}

  add(type: string, fields: JsonObject, chunk = false, weight = 0): void {
    this.frames.add(sse(type, this.sequence, fields), chunk, weight);
    this.sequence += 1;
  }
}

/** The events of one item: `added`, its deltas, and everything once more when it is done. */
class ItemWriter {
  private readonly part: Part;
  private readonly item_id: unknown;

  constructor(
    private readonly events: Events,
    private readonly answer: Answer,
    private readonly output_index: number,
  ) {
    const part = answer.parts[output_index];
    if (part === undefined) throw new Error('There is no such part');
    this.part = part;
    this.item_id = item(part, output_index, events.context, 'in_progress')['id'];
  }

  begin(): void {
    const { part, output_index, events } = this;
    // What is told in no delta is told with the item.
    const weight = part.kind === 'call' ? Buffer.byteLength(part.name) : 0;
    const silent = this.pieces().length === 0;
    const begun = item(part, output_index, events.context, 'in_progress');
    events.add('response.output_item.added', { output_index, item: begun }, false, weight);
    if (!silent) this.opening();
  }

  pieces(): string[] {
    const { part, events } = this;
    const { compacting, scenario, summaryShown } = events.context;
    if (part.kind === 'thinking' && !summaryShown) return [];
    if (part.kind === 'call' && part.tool.search === true) return [];
    return part.kind === 'text' && compacting ? [] : pieces(part, scenario);
  }

  delta(piece: string): void {
    const prefix = this.prefix();
    const logprobs = prefix === 'response.output_text' ? { logprobs: [] } : {};
    this.events.add(`${prefix}.delta`, { ...this.place(), delta: piece, ...logprobs }, true, Buffer.byteLength(piece));
  }

  end(): void {
    const { part, output_index, events, answer } = this;
    const silent = this.pieces().length === 0;
    if (!silent) this.closing();
    const done = item(part, output_index, events.context, itemStatus(answer, output_index, events.context));
    // An item that comes whole is a chunk like any other.
    events.add('response.output_item.done', { output_index, item: done }, silent, silent ? partBytes(part) : 0);
  }

  private opening(): void {
    const { part, events } = this;
    if (part.kind === 'thinking') {
      const empty = { type: 'summary_text', text: '' };
      events.add('response.reasoning_summary_part.added', { ...this.place(), part: empty });
    } else if (part.kind === 'text') {
      events.add('response.content_part.added', { ...this.place(), part: contentPart('', events.context.scenario) });
    }
  }

  private closing(): void {
    const { part, events } = this;
    if (part.kind === 'call') {
      events.add(`${this.prefix()}.done`, { ...this.place(), ...this.whole(part) });
      return;
    }
    const { text } = part;
    if (part.kind === 'thinking') {
      events.add(`${this.prefix()}.done`, { ...this.place(), text });
      events.add('response.reasoning_summary_part.done', { ...this.place(), part: { type: 'summary_text', text } });
      return;
    }
    const said = this.prefix() === 'response.refusal' ? { refusal: text } : { text, logprobs: [] };
    events.add(`${this.prefix()}.done`, { ...this.place(), ...said });
    events.add('response.content_part.done', { ...this.place(), part: contentPart(text, events.context.scenario) });
  }

  private whole(part: CallPart): JsonObject {
    return part.freeForm ? { input: part.arguments } : { arguments: part.arguments };
  }

  /** Where a delta of this item belongs. */
  private place(): JsonObject {
    const { item_id, output_index, part } = this;
    if (part.kind === 'thinking') return { item_id, output_index, summary_index: 0 };
    return part.kind === 'text' ? { item_id, output_index, content_index: 0 } : { item_id, output_index };
  }

  private prefix(): string {
    const { part, events } = this;
    switch (part.kind) {
      case 'thinking':
        return 'response.reasoning_summary_text';
      case 'call':
        return part.freeForm ? 'response.custom_tool_call_input' : 'response.function_call_arguments';
      case 'text':
        return events.context.scenario.stop === 'refusal' ? 'response.refusal' : 'response.output_text';
    }
  }
}
