import { JsonStringReader } from './json-string-reader';

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const LOWER_N = 110;

export type ValueKind = 'string' | 'null' | 'json';

/** Who is told what a reader reads, in the order of the text. */
export interface ObjectSink {
  /** A member's value begins. `json`: an object, an array, a number or a boolean. False: nothing after it is to be read. */
  member(name: string, kind: ValueKind): boolean;
  /** More of the value: decoded text of a string, else the JSON as it was written. */
  value(piece: string): void;
  memberEnd(): void;
}

type State =
  | 'before'
  | 'first-key'
  | 'key'
  | 'in-key'
  | 'colon'
  | 'value'
  | 'string'
  | 'nested'
  | 'scalar'
  | 'separator'
  /** The object was closed. */
  | 'done'
  /** The text is no object from here on, or the sink has seen enough. */
  | 'failed';

/**
 * Reads the members of one JSON object out of text that comes in pieces, cut anywhere, and hands their values on as they come.
 * The inside of nested values is not checked beyond where they end. Created per object.
 */
export class JsonObjectReader {
  state: State = 'before';
  private key = '';
  private string = new JsonStringReader();
  private depth = 0;
  private inString = false;
  private escaped = false;

  constructor(private readonly sink: ObjectSink) {}

  get isOver(): boolean {
    return this.state === 'done' || this.state === 'failed';
  }

  /** @returns where reading ended: behind the object, at what is none, or at the end of `text` */
  push(text: string, from = 0): number {
    let at = from;
    while (at < text.length && !this.isOver) {
      switch (this.state) {
        case 'in-key':
          at = this.readKey(text, at);
          break;
        case 'string':
          at = this.readString(text, at);
          break;
        case 'nested':
          at = this.readNested(text, at);
          break;
        case 'scalar':
          at = this.readScalar(text, at);
          break;
        default:
          at = isSpace(text.charCodeAt(at)) ? at + 1 : this.readStructure(text, at);
      }
    }
    return at;
  }

  private readStructure(text: string, at: number): number {
    const unit = text.charCodeAt(at);
    switch (this.state) {
      case 'before':
        return this.go(unit === OPEN_BRACE, 'first-key', at);
      case 'first-key':
        if (unit === CLOSE_BRACE) return this.go(true, 'done', at);
        return this.beginKey(unit, at);
      case 'key':
        return this.beginKey(unit, at);
      case 'colon':
        return this.go(unit === COLON, 'value', at);
      case 'separator':
        return this.go(unit === COMMA || unit === CLOSE_BRACE, unit === COMMA ? 'key' : 'done', at);
      default:
        return this.beginValue(unit, at);
    }
  }

  private go(allowed: boolean, state: State, at: number): number {
    this.state = allowed ? state : 'failed';
    return allowed ? at + 1 : at;
  }

  private beginKey(unit: number, at: number): number {
    this.key = '';
    this.string = new JsonStringReader();
    return this.go(unit === QUOTE, 'in-key', at);
  }

  private readKey(text: string, at: number): number {
    const end = this.string.push(text, at);
    this.key += this.string.piece;
    if (this.string.closed) this.state = 'colon';
    return end;
  }

  private beginValue(unit: number, at: number): number {
    if (unit === COMMA || unit === COLON || unit === CLOSE_BRACE || unit === CLOSE_BRACKET) {
      return this.go(false, 'failed', at);
    }
    const kind = unit === QUOTE ? 'string' : unit === LOWER_N ? 'null' : 'json';
    if (!this.sink.member(this.key, kind)) return this.go(false, 'failed', at);
    if (kind === 'string') {
      this.string = new JsonStringReader();
      return this.go(true, 'string', at);
    }
    this.depth = 0;
    this.state = unit === OPEN_BRACE || unit === OPEN_BRACKET ? 'nested' : 'scalar';
    return at;
  }

  private readString(text: string, at: number): number {
    const end = this.string.push(text, at);
    if (this.string.piece !== '') this.sink.value(this.string.piece);
    if (this.string.closed) this.endMember();
    return end;
  }

  private readNested(text: string, from: number): number {
    let at = from;
    let isWhole = false;
    while (at < text.length && !isWhole) isWhole = this.closes(text.charCodeAt(at++));
    this.sink.value(text.slice(from, at));
    if (isWhole) this.endMember();
    return at;
  }

  private closes(unit: number): boolean {
    if (this.escaped) this.escaped = false;
    else if (this.inString) {
      if (unit === BACKSLASH) this.escaped = true;
      else if (unit === QUOTE) this.inString = false;
    } else if (unit === QUOTE) this.inString = true;
    else if (unit === OPEN_BRACE || unit === OPEN_BRACKET) this.depth += 1;
    else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) return --this.depth === 0;
    return false;
  }

  private readScalar(text: string, from: number): number {
    let at = from;
    while (at < text.length && !endsScalar(text.charCodeAt(at))) at += 1;
    if (at > from) this.sink.value(text.slice(from, at));
    if (at < text.length) this.endMember();
    return at;
  }

  private endMember(): void {
    this.state = 'separator';
    this.sink.memberEnd();
  }
}

export function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;
}

function endsScalar(unit: number): boolean {
  return unit === COMMA || unit === CLOSE_BRACE || unit === CLOSE_BRACKET || isSpace(unit);
}
