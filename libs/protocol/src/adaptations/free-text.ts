import { isSpace, JsonObjectReader, type ObjectSink, type ValueKind } from './json-object-reader';

/** The one argument of the function that stands in for a free-text tool. */
export const INPUT = 'input';

const OPENING = `{"${INPUT}":"`;

/** Free text as the arguments of the function that stands in for its tool. */
export function writeFreeText(text: string): string {
  return JSON.stringify({ [INPUT]: text });
}

/**
 * Arguments that come in pieces, cut anywhere, back to free text. What a model wrote instead of the one argument asked for is
 * handed over as it is: its tool may make something of it. Created per call.
 */
export class FreeTextReader implements ObjectSink {
  /** Something beside the text was left out. */
  hasLost = false;
  private readonly reader = new JsonObjectReader(this);
  private phase: 'searching' | 'inside' | 'behind' | 'raw' = 'searching';
  /** All so far, while it may turn out not to be the argument asked for. */
  private held = '';
  private hasMembers = false;
  private text = '';

  /** @returns free text, possibly empty */
  push(json: string): string {
    if (this.phase === 'raw') return json;
    if (this.phase === 'searching') this.held += json;
    const end = this.reader.push(json);
    const rest = this.reader.isOver ? json.slice(end) : '';
    if (this.phase === 'searching') return this.reader.state === 'failed' ? this.handOver() : '';
    if (!isBlank(rest)) this.hasLost = true;
    const { text } = this;
    this.text = '';
    return text;
  }

  /** @returns what is left of it */
  end(): string {
    if (this.phase !== 'searching') return '';
    if (!this.hasMembers && OPENING.startsWith(this.held.replace(/\s/g, ''))) return '';
    return this.reader.state === 'done' && !this.hasMembers ? '' : this.handOver();
  }

  member(name: string, kind: ValueKind): boolean {
    if (this.phase === 'searching' && name === INPUT) {
      this.phase = kind === 'null' ? 'behind' : 'inside';
      this.hasLost = this.hasMembers;
      this.held = '';
    } else if (this.phase === 'behind') this.hasLost = true;
    this.hasMembers = true;
    return true;
  }

  value(piece: string): void {
    if (this.phase === 'inside') this.text += piece;
  }

  memberEnd(): void {
    if (this.phase === 'inside') this.phase = 'behind';
  }

  private handOver(): string {
    const { held } = this;
    this.phase = 'raw';
    this.held = '';
    return held;
  }
}

export function readFreeText(json: string): { text: string; hasLost: boolean } {
  const reader = new FreeTextReader();
  const text = reader.push(json) + reader.end();
  return { text, hasLost: reader.hasLost };
}

function isBlank(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (!isSpace(text.charCodeAt(at))) return false;
  return true;
}
