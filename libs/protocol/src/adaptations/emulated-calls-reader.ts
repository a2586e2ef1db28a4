import type { StreamEvent } from '../stream-event';
import { JsonObjectReader, type ObjectSink, type ValueKind } from './json-object-reader';

const OPEN_BRACE = 123;

/** Who gives calls their ids and names: they have none of their own that a client could use. */
export interface CallNaming {
  nextId(): string;
  /** The client's own name of a tool. */
  ownName(sent: string): string;
}

/** Reads the array of calls that a model wrote, in pieces cut anywhere. Created per array. */
export class EmulatedCallsReader {
  private call: CallReader | undefined;

  constructor(
    private readonly naming: CallNaming,
    private readonly out: (event: StreamEvent) => void,
  ) {}

  push(json: string): void {
    let at = 0;
    while (at < json.length) {
      if (this.call === undefined) {
        if (json.charCodeAt(at) !== OPEN_BRACE) {
          at += 1;
          continue;
        }
        this.call = new CallReader(this.naming, this.out);
      }
      at = this.call.push(json, at);
      if (this.call.isOver) this.end();
    }
  }

  /** No more will come of the array. */
  end(): void {
    this.call?.end();
    this.call = undefined;
  }
}

/** One `{"name": …, "arguments": …}`; the arguments go on as they come, once the name is known. */
class CallReader implements ObjectSink {
  private readonly reader = new JsonObjectReader(this);
  private reading: 'name' | 'arguments' | undefined;
  private name = '';
  private isNamed = false;
  private isOpen = false;
  /** Arguments that came before the name. */
  private held = '';

  constructor(
    private readonly naming: CallNaming,
    private readonly out: (event: StreamEvent) => void,
  ) {}

  get isOver(): boolean {
    return this.reader.isOver;
  }

  push(json: string, from: number): number {
    const end = this.reader.push(json, from);
    // What is no object ends here; its character must not be read again and again.
    return this.reader.state === 'failed' ? end + 1 : end;
  }

  end(): void {
    if (!this.isNamed) {
      this.out({ type: 'loss', loss: { feature: 'tool_call', path: 'tool_calls' } });
      return;
    }
    this.open();
    this.out({ type: 'block-stop' });
  }

  member(name: string, kind: ValueKind): boolean {
    this.reading = undefined;
    if (kind === 'null') return true;
    if (name === 'name' && kind === 'string' && !this.isNamed) this.reading = 'name';
    else if (name === 'arguments') this.reading = 'arguments';
    // History shows calls with ids, and models imitate it.
    else if (name !== 'id') this.out({ type: 'loss', loss: { feature: `field.${name}`, path: `tool_calls.${name}` } });
    return true;
  }

  value(piece: string): void {
    if (this.reading === 'name') this.name += piece;
    else if (this.reading === 'arguments') {
      if (this.isNamed) {
        this.open();
        this.out({ type: 'arguments-delta', json: piece });
      } else this.held += piece;
    }
  }

  memberEnd(): void {
    if (this.reading === 'name') this.isNamed = this.name !== '';
    this.reading = undefined;
  }

  private open(): void {
    if (this.isOpen) return;
    this.isOpen = true;
    const block = { type: 'tool-call' as const, id: this.naming.nextId(), name: this.naming.ownName(this.name) };
    this.out({ type: 'block-start', block });
    if (this.held !== '') this.out({ type: 'arguments-delta', json: this.held });
  }
}
