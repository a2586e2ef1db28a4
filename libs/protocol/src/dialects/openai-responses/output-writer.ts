import type { Part } from '../../conversation';
import type { EncodeContext } from '../../dialect';
import type { JsonObject, JsonValue } from '../../json';
import { lossOf, type Loss, type Unmapped } from '../../loss';
import {
  annotationsOf,
  callItem,
  callPrefix,
  messageItem,
  outputText,
  reasoningItem,
  refusalContent,
} from './convert-to-output';
import type { ResponseStatus } from './reply-wire';
import { itemId, wholeItem } from './response-shell';
import { sealRedacted, sealThinking } from './sealed-thinking';
import { DIALECT_ID } from './wire';

/** The parts of a reply → items of its output. Texts and refusals in a row are one message. Created per reply. */
export class OutputWriter {
  readonly output: JsonObject[] = [];
  /** Of all messages. */
  text = '';
  /** Of the message that is open. */
  private content: JsonObject[] = [];

  constructor(
    private readonly context: EncodeContext,
    private readonly losses: Loss[],
  ) {}

  /** @param logprobs of the text, where the part is one */
  add(part: Part, path: string, logprobs: JsonValue[]): void {
    this.loseUnmapped(part.unmapped ?? []);
    switch (part.type) {
      case 'text':
        this.text += part.text;
        this.content.push(
          outputText(part.text, annotationsOf(part.citations ?? [], part.text, path, this.losses), logprobs),
        );
        return;
      case 'refusal':
        this.content.push(refusalContent(part.text));
        return;
      default:
        this.closeMessage('completed');
        this.addItem(part, path);
    }
  }

  /** @param status of the response: what its last item was cut off in is incomplete too */
  finish(status: ResponseStatus): void {
    this.closeMessage(status);
    const last = this.output.at(-1);
    if (status === 'incomplete' && last && 'status' in last) last.status = status;
  }

  loseUnmapped(unmapped: readonly Unmapped[]): void {
    for (const left of unmapped) this.losses.push(lossOf(left));
  }

  private addItem(part: Part, path: string): void {
    switch (part.type) {
      case 'thinking':
        this.output.push(reasoningItem(this.id('rs'), part.text, sealThinking(part.signature, part.signedBy)));
        return;
      case 'redacted-thinking':
        this.output.push(reasoningItem(this.id('rs'), '', sealRedacted(part.data, part.signedBy)));
        return;
      case 'tool-call': {
        const call = { id: part.id, name: part.name, custom: part.custom === true };
        const text = call.custom || part.arguments.trim() !== '' ? part.arguments : '{}';
        this.output.push(callItem(this.id(callPrefix(call)), 'completed', call, text));
        return;
      }
      case 'opaque':
        if (part.dialect === DIALECT_ID) this.output.push(wholeItem(part.wire, (prefix) => this.id(prefix)));
        else this.lose(opaqueFeature(part.wire), path);
        return;
      default:
        this.lose(`block.${part.type}`, path);
    }
  }

  private closeMessage(status: ResponseStatus): void {
    if (this.content.length === 0) return;
    this.output.push(messageItem(this.id('msg'), status, this.content));
    this.content = [];
  }

  private id(prefix: string): string {
    return itemId(prefix, this.context, this.output.length);
  }

  private lose(feature: string, path: string): void {
    this.losses.push({ feature, path });
  }
}

export function opaqueFeature(wire: JsonObject): string {
  return `block.${typeof wire.type === 'string' ? wire.type : 'unknown'}`;
}
