import { TOOL_SEARCH } from '../../conversation';
import type { DialectId } from '../../dialect';
import type { JsonObject, JsonValue } from '../../json';
import type { Loss } from '../../loss';
import {
  annotationsOf,
  callItem,
  callPrefix,
  messageItem,
  outputText,
  reasoningItem,
  refusalContent,
  type OutputCall,
} from './convert-to-output';
import type { ResponseStatus } from './reply-wire';
import { sealThinking } from './sealed-thinking';
import type { StreamWriter } from './stream-writer';

/** The item of the output that is being written. Every method returns SSE text. */
export interface OpenItem {
  open(): string;
  delta(text: string): string;
  sign(signature: string, signedBy: DialectId | undefined): void;
  cite(citation: JsonValue): void;
  /** A block of it has ended; the item may go on. */
  closeBlock(): string;
  close(status: ResponseStatus): string;
}

/** What most items do not have. */
abstract class Opening implements OpenItem {
  abstract open(): string;
  abstract close(status: ResponseStatus): string;

  delta(_text: string): string {
    return '';
  }

  sign(_signature: string, _signedBy: DialectId | undefined): void {}

  cite(_citation: JsonValue): void {}

  closeBlock(): string {
    return '';
  }
}

/** Texts and refusals in a row, each a content part. */
export class MessageOpening extends Opening {
  private readonly content: JsonObject[] = [];
  private kind: 'text' | 'refusal' = 'text';
  private text = '';
  private citations: JsonValue[] = [];
  private frame = '';

  constructor(
    private readonly writer: StreamWriter,
    private readonly id: string,
    private readonly losses: Loss[],
  ) {
    super();
  }

  open(): string {
    return this.writer.itemAdded(messageItem(this.id, 'in_progress', []));
  }

  openPart(kind: 'text' | 'refusal'): string {
    const { writer, content, id } = this;
    this.kind = kind;
    this.text = '';
    this.citations = [];
    const at = { content_index: content.length };
    this.frame =
      kind === 'text'
        ? writer.deltaFrame('response.output_text.delta', id, { ...at, logprobs: [] })
        : writer.deltaFrame('response.refusal.delta', id, at);
    return writer.part('response.content_part.added', id, { ...at, part: this.part([]) });
  }

  override delta(text: string): string {
    this.text += text;
    if (this.kind === 'text') this.writer.text += text;
    return this.writer.delta(this.frame, text);
  }

  override cite(citation: JsonValue): void {
    this.citations.push(citation);
  }

  override closeBlock(): string {
    const { writer, content, id, kind, text } = this;
    const at = { content_index: content.length };
    const annotations = annotationsOf(this.citations, text, `output[${writer.items.length}]`, this.losses);
    const part = this.part(annotations);
    content.push(part);
    let events = '';
    annotations.forEach((annotation, index) => {
      const members = { ...at, annotation_index: index, annotation };
      events += writer.part('response.output_text.annotation.added', id, members);
    });
    events +=
      kind === 'text'
        ? writer.part('response.output_text.done', id, { ...at, text, logprobs: [] })
        : writer.part('response.refusal.done', id, { ...at, refusal: text });
    return events + writer.part('response.content_part.done', id, { ...at, part });
  }

  close(status: ResponseStatus): string {
    return this.writer.itemDone(messageItem(this.id, status, this.content));
  }

  private part(annotations: JsonValue[]): JsonObject {
    return this.kind === 'text' ? outputText(this.text, annotations) : refusalContent(this.text);
  }
}

/** A summary of one part, opened with its first words: signed thinking may have none. */
export class ReasoningOpening extends Opening {
  private text = '';
  private frame = '';
  private signature = '';
  private signedBy: DialectId | undefined;

  /** @param sealed `encrypted_content` of redacted thinking, known from the start */
  constructor(
    private readonly writer: StreamWriter,
    private readonly id: string,
    private readonly sealed?: string,
  ) {
    super();
  }

  open(): string {
    return this.writer.itemAdded(reasoningItem(this.id, '', undefined));
  }

  override delta(text: string): string {
    const { writer, id } = this;
    let events = '';
    if (this.frame === '') {
      this.frame = writer.deltaFrame('response.reasoning_summary_text.delta', id, FIRST_SUMMARY);
      events = writer.part('response.reasoning_summary_part.added', id, { ...FIRST_SUMMARY, part: summaryPart('') });
    }
    this.text += text;
    return events + writer.delta(this.frame, text);
  }

  override sign(signature: string, signedBy: DialectId | undefined): void {
    this.signature += signature;
    this.signedBy = signedBy;
  }

  override closeBlock(): string {
    const { writer, id, text } = this;
    if (this.frame === '') return '';
    return (
      writer.part('response.reasoning_summary_text.done', id, { ...FIRST_SUMMARY, text }) +
      writer.part('response.reasoning_summary_part.done', id, { ...FIRST_SUMMARY, part: summaryPart(text) })
    );
  }

  close(): string {
    const sealed = this.sealed ?? sealThinking(this.signature, this.signedBy);
    return this.writer.itemDone(reasoningItem(this.id, this.text, sealed));
  }
}

const FIRST_SUMMARY = { summary_index: 0 };

function summaryPart(text: string): JsonObject {
  return { type: 'summary_text', text };
}

/** A call of any kind that the client runs. */
export class CallOpening extends Opening {
  private readonly id: string;
  private readonly frame: string;
  private text = '';

  constructor(
    private readonly writer: StreamWriter,
    private readonly call: OutputCall,
    idOf: (prefix: string) => string,
  ) {
    super();
    this.id = idOf(callPrefix(call));
    this.frame = this.isSearch ? '' : writer.deltaFrame(`${this.eventStem}.delta`, this.id, {});
  }

  open(): string {
    return this.writer.itemAdded(callItem(this.id, 'in_progress', this.call, ''));
  }

  /** A search has its arguments whole, in its item. */
  override delta(text: string): string {
    this.text += text;
    return this.isSearch ? '' : this.writer.delta(this.frame, text);
  }

  /** A function without arguments still needs JSON. */
  override closeBlock(): string {
    const { writer, call, id } = this;
    if (this.isSearch) return '';
    const missing = !call.custom && this.text.trim() === '' ? this.delta('{}') : '';
    const whole: JsonObject = call.custom ? { input: this.text } : { arguments: this.text };
    return missing + writer.part(`${this.eventStem}.done`, id, whole);
  }

  close(status: ResponseStatus): string {
    return this.writer.itemDone(callItem(this.id, status, this.call, this.text));
  }

  private get isSearch(): boolean {
    return this.call.name === TOOL_SEARCH;
  }

  private get eventStem(): string {
    return this.call.custom ? 'response.custom_tool_call_input' : 'response.function_call_arguments';
  }
}

/** An item only this dialect understands, as it came. */
export class WholeItem extends Opening {
  constructor(
    private readonly writer: StreamWriter,
    private readonly wire: JsonObject,
  ) {
    super();
  }

  open(): string {
    return this.writer.itemAdded(this.wire);
  }

  close(): string {
    return this.writer.itemDone(this.wire);
  }
}
