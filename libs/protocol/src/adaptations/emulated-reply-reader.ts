import type { StreamEvent } from '../stream-event';
import { EmulatedCallsReader, type CallNaming } from './emulated-calls-reader';
import { JsonObjectReader, type ObjectSink, type ValueKind } from './json-object-reader';

/** The members of an answer; `text` comes first, so that it can be read while it is written. */
export const TEXT = 'text';
export const CALLS = 'tool_calls';

/** What may stand before an answer's brace: white space, and the fence that models put around JSON. */
const BEFORE = /^\s*(?:```[a-z]*\s*)?$/i;
const BEFORE_PARTLY = /^\s*(?:`{1,2}|```[a-z]*\s*)?$/i;
/** And behind its end. */
const BEHIND = /^\s*(?:```)?\s*$/;
/** A model that has gone astray writes white space without end; it is not held for longer. */
const HELD_LENGTH_MAX = 80;

/**
 * Tells text from calls in what a model wrote that was asked for `{"text": …, "tool_calls": […]}`, in pieces cut anywhere.
 * Such an object is looked for wherever a line begins, for models put words before it or write it twice; everything else is
 * text, as a model without a schema may answer in plain words. Created per reply.
 */
export class EmulatedReplyReader implements ObjectSink {
  /**
   * `line`: at the start of a line, where an object may begin; `object`: inside one that may be an answer; `answer`: inside
   * one that is; `text`: until the end of the line.
   */
  private mode: 'line' | 'object' | 'answer' | 'text' = 'line';
  /** Text that goes out if no answer comes of it. */
  private held = '';
  private reader = new JsonObjectReader(this);
  private reading: 'text' | 'calls' | undefined;
  private calls: EmulatedCallsReader;
  private isBehindAnswer = false;

  /** @param out is told text and calls, these as whole blocks that no text interrupts */
  constructor(
    naming: CallNaming,
    private readonly out: (event: StreamEvent) => void,
  ) {
    this.calls = new EmulatedCallsReader(naming, out);
  }

  push(text: string): void {
    let at = 0;
    while (at < text.length) {
      if (this.mode === 'line') at = this.readLineStart(text, at);
      else if (this.mode === 'text') at = this.readText(text, at);
      else at = this.readObject(text, at);
    }
  }

  /** The model wrote no more. */
  end(): void {
    if (this.mode === 'answer') this.calls.end();
    else if (!(this.isBehindAnswer && BEHIND.test(this.held))) this.say(this.held);
    this.held = '';
  }

  member(name: string, kind: ValueKind): boolean {
    if (this.mode === 'object') {
      if (name !== TEXT && name !== CALLS) return false;
      this.mode = 'answer';
      this.held = '';
    }
    this.reading = undefined;
    if (kind === 'null') return true;
    if (name === TEXT) this.reading = 'text';
    else if (name === CALLS && kind === 'json') this.reading = 'calls';
    else this.out({ type: 'loss', loss: { feature: `field.${name}`, path: name } });
    return true;
  }

  value(piece: string): void {
    if (this.reading === 'text') this.say(piece);
    else if (this.reading === 'calls') this.calls.push(piece);
  }

  memberEnd(): void {
    if (this.reading === 'calls') this.calls.end();
    this.reading = undefined;
  }

  private readLineStart(text: string, at: number): number {
    const char = text[at] ?? '';
    if (char === '{' && BEFORE.test(this.held)) {
      this.mode = 'object';
      this.reader = new JsonObjectReader(this);
      return at;
    }
    this.held += char;
    if (this.held.length > HELD_LENGTH_MAX || !BEFORE_PARTLY.test(this.held)) this.release();
    return at + 1;
  }

  private readText(text: string, at: number): number {
    const lineEnd = text.indexOf('\n', at);
    const end = lineEnd === -1 ? text.length : lineEnd + 1;
    this.say(text.slice(at, end));
    if (lineEnd !== -1) this.mode = 'line';
    return end;
  }

  private readObject(text: string, at: number): number {
    const end = this.reader.push(text, at);
    const { state } = this.reader;
    if (this.mode === 'object') {
      this.held += text.slice(at, end);
      if (this.reader.isOver) this.release();
    } else if (state === 'done') {
      this.mode = 'line';
      this.isBehindAnswer = true;
    } else if (state === 'failed') {
      // No JSON from here on; the words may still mean something.
      this.calls.end();
      this.mode = 'text';
    }
    return end;
  }

  /** It was text. */
  private release(): void {
    const { held } = this;
    this.held = '';
    if (this.isBehindAnswer && BEHIND.test(held)) return;
    this.say(held);
    this.mode = held.endsWith('\n') ? 'line' : 'text';
  }

  private say(text: string): void {
    if (text !== '') this.out({ type: 'text-delta', text });
  }
}
